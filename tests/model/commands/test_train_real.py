"""`c3n train` as for real things: the table of sound sources, TensorFlow's weights, a visual head, a warm start, a fitted gate."""

import json

import pytest
import timm
import torch
from composing import write_material
from public_weights import write_public_weights
from safetensors.torch import save_file
from toy_weights import own_weights

from c3n_model.cli import main
from c3n_model.labels.names import imagenet_names
from c3n_model.labels.similarity_table import LabelTable
from c3n_model.loading import load_model
from c3n_model.training.visual_head import VisualHead

CONFIG = """
model: {visual: mobilenetv2_100, audio: mn04, channels: 8, image_size: 64, history: 2}
train: {epochs: 1, batch_size: 2, color_jitter: false, precision: bfloat16, freeze_backbone: true, cache_features: true,
        fit_thresholds: true, learning_rate: 1.0e-3}
"""
NAMES = ["Bark", "Speech", "Sneeze", "Dog", "Rain"]
TRAIN = ["train", "clips", "--config", "small.yaml", "--device", "cpu", "--workers", "0"]


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = write_material(tmp_path_factory.mktemp("material"), pictures=6)
    sources = ["--images", str(folder / "coco"), "--sounds", str(folder / "sounds")]
    out = tmp_path_factory.mktemp("composed") / "clips"
    main(["compose", *sources, "-o", str(out), "--train", "2", "--val", "3", "--test", "0", "--workers", "1"])
    return folder, out


@pytest.fixture
def folder(clips, tmp_path, monkeypatch):
    """Composed clips, a config, and toy weights under public names, MobileNetV2's as TensorFlow's."""
    own_weights(tmp_path, monkeypatch)
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    write_public_weights(tmp_path)
    (tmp_path / "mobilenetv2_100_ra-b33bc2c4.pth").unlink()
    save_file(timm.create_model("mobilenetv2_100").state_dict(), tmp_path / "mobilenetv2_100_tfsame.safetensors")
    rows = [f"{k},/m/{k},{NAMES[k] if k < len(NAMES) else f'sound {k}'}" for k in range(527)]
    (tmp_path / "class_labels_indices.csv").write_text("\n".join(["index,mid,display_name", *rows]))
    (tmp_path / "small.yaml").write_text(CONFIG)
    (tmp_path / "clips").symlink_to(clips[1])
    return tmp_path


def trained(out="model.safetensors", *more):
    main([*TRAIN, "-o", out, *more])
    return load_model(out)


def test_the_table_of_sound_sources_and_weights_of_tensorflow(folder):
    model = trained("model.safetensors", "--labels", "sources")
    encoder = model.network.visual_encoder
    assert encoder.input_statistics == {"mean": [0.5] * 3, "std": [0.5] * 3, "padding": "same"}
    assert list(model.visual_labels) == imagenet_names() and model.audio_labels[:5] == tuple(NAMES)
    assert model.network.similarity[0, imagenet_names().index("Irish terrier")] == 1
    assert "mobilenetv2_100_tfsame.safetensors" in model.card["weights"]
    main(["labels", "build", "--sources", "-o", "labels.safetensors"])
    assert torch.equal(LabelTable.load(folder / "labels.safetensors").similarity, model.network.similarity)


def test_thresholds_are_fitted_and_stored_and_a_set_needs_no_test_clips(folder):
    model = trained("model.safetensors", "--labels", "sources")
    fitted = model.card["thresholds"]
    assert (model.config.presence_threshold, model.config.visibility_threshold) == (
        fitted["presence_threshold"], fitted["visibility_threshold"],
    )  # fmt: skip
    assert fitted["seconds_in_view"] > 0 and fitted["seconds_without"] > 0
    assert model.card["scores"] == {}


def test_a_warm_start_goes_on_from_the_weights_of_a_model(folder):
    first = trained("first.safetensors", "--labels", "sources")
    (folder / "small.yaml").write_text(
        CONFIG.replace("1.0e-3", "1.0e-9").replace("history: 2", "history: 2, alpha: 0.5")
    )
    second = trained("second.safetensors", "--start", "first.safetensors")
    assert second.config.alpha == 0.5
    found = second.network.state_dict()
    for name, value in first.network.state_dict().items():
        assert torch.allclose(value, found[name], atol=1e-5), name
    (folder / "small.yaml").write_text(CONFIG.replace("channels: 8", "channels: 16"))
    with pytest.raises(SystemExit, match="first.safetensors do not fit"):
        trained("third.safetensors", "--start", "first.safetensors")
    (folder / "small.yaml").write_text(CONFIG.replace("mobilenetv2_100", "pvt_v2_b0"))
    with pytest.raises(SystemExit, match="first.safetensors has the visual encoder mobilenetv2_100"):
        trained("third.safetensors", "--start", "first.safetensors")


def test_a_visual_head_brings_its_classes(folder, clips, capsys):
    head = ["train-visual-head", "--images", str(clips[0] / "coco"), "-o", "head.safetensors", "--image-size", "64"]
    main(head)
    printed = capsys.readouterr().out
    assert "person: AP" in printed and "1002 classes on mobilenetv2_100_tfsame" in printed
    loaded = VisualHead.load(folder / "head.safetensors")
    assert loaded.labels[1000:] == ("dog", "person")
    assert loaded.card["scores"]["person"]["pictures"] == 6
    model = trained("model.safetensors", "--labels", "sources", "--visual-head", "head.safetensors")
    assert model.visual_labels == loaded.labels
    assert torch.equal(model.network.visual_encoder.head().weight, loaded.weight)
    public = timm.create_model("mobilenetv2_100")
    assert torch.equal(
        model.network.visual_encoder.backbone.conv_stem.weight,
        load_model("model.safetensors").network.visual_encoder.backbone.conv_stem.weight,
    )
    assert not torch.equal(model.network.visual_encoder.backbone.conv_stem.weight, public.conv_stem.weight)
    assert model.card["visual_head"]["scores"].keys() == {"dog", "person"}
    assert model.network.similarity[NAMES.index("Speech")].nonzero().flatten().tolist() == [1001]
    assert json.dumps(model.card)
    with pytest.raises(SystemExit, match="--visual-head goes with --labels"):
        trained("x.safetensors", "--start", "model.safetensors", "--visual-head", "head.safetensors")


def test_pictures_of_validation_clips_are_left_out_of_a_head(folder, clips, capsys):
    used = {"val": set(), "train": set()}
    for line in (clips[1] / "sources.jsonl").read_text().splitlines():
        record = json.loads(line)
        used[record["split"]].add(record["background"])
    from c3n_model.compose.writer import held_out_pictures

    held_out = held_out_pictures(clips[1])
    assert used["val"] <= held_out and not used["train"] & held_out
    with pytest.raises(SystemExit, match="no sources.jsonl"):
        main(
            ["train-visual-head", "--images", str(clips[0] / "coco"), "-o", "h.safetensors", "--composed", str(folder)]
        )
