"""`c3n train` from public weights: a label table in, a model and its card out."""

import json

import pytest
import torch
from printed_lines import printed
from public_weights import SOUNDS, save_label_table, write_public_weights
from toy_weights import own_weights

from c3n_model.cli import main
from c3n_model.labels.names import imagenet_names
from c3n_model.loading import load_model
from c3n_model.weights import manifest

CONFIG = """
model: {visual: mobilenetv2_100, audio: mn04, channels: 8, image_size: 64}
train: {epochs: 1, batch_size: 2, color_jitter: false}
"""
TRAIN = ["train", "AVSBENCH", "--config", "config/avsbench_s4.yaml", "-o", "s4.safetensors", "--device", "cpu"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Write two scenes, a config, and toy weights with the names of the public files."""
    own_weights(tmp_path, monkeypatch)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config/avsbench_s4.yaml").write_text(CONFIG)
    write_public_weights(tmp_path)
    main(["synthesize", "AVSBENCH", "--train", "2", "--val", "1", "--test", "1"])
    return tmp_path


def test_from_public_weights_and_a_label_table(folder):
    provenance = save_label_table(folder / "labels.safetensors")
    main(printed("c3n train AVSBENCH"))
    model = load_model(folder / "s4.safetensors")
    assert (list(model.audio_labels), list(model.visual_labels)) == (SOUNDS, imagenet_names())
    assert model.card["labels"] == provenance
    assert model.card["weights"] == {
        name: f"sha256:{manifest.checksum_of(folder / name)}"
        for name in ("mobilenetv2_100_ra-b33bc2c4.pth", "mn04_as_mAP_432.pt")
    }
    assert model.card["scores"].keys() == {"s4", "ms3"}
    public = torch.load(folder / "mn04_as_mAP_432.pt", weights_only=True)
    assert torch.equal(model.network.audio_encoder.features[0][0].weight, public["features.0.0.weight"]), "it is frozen"
    assert json.dumps(model.card)


@pytest.mark.parametrize(
    ("audio", "visual", "message"),
    [
        (SOUNDS[:9], ["dog"], "9 audio.*1 visual.*527"),
        (SOUNDS[::-1], imagenet_names(), "audio label 0.*'sound 526'.*'sound 0'"),
    ],
)
def test_table_of_other_classes_is_refused(folder, audio, visual, message):
    save_label_table(folder / "labels.safetensors", audio, visual)
    with pytest.raises(SystemExit, match=message):
        main([*TRAIN, "--labels", "labels.safetensors"])


def test_classifiers_are_a_file(folder):
    with pytest.raises(SystemExit, match="checkpoint.*demo"):
        main([*TRAIN, "--classifiers", "demo"])


def test_either_classifiers_or_labels(folder, capsys):
    for given in ([], ["--labels", "a", "--classifiers", "b"]):
        with pytest.raises(SystemExit):
            main([*TRAIN, *given])
        assert "--classifiers" in capsys.readouterr().err
