"""`c3n train` as for real things: the table of sound sources, TensorFlow's weights, a visual head, a warm start, a fitted gate."""

import json
from pathlib import Path

import pytest
import timm
import torch
from composing import write_public_sets
from printed_lines import printed
from public_weights import write_public_weights
from safetensors.torch import save_file
from toy_weights import own_weights

from c3n_model.cli import main
from c3n_model.compose import writer
from c3n_model.compose.writer import held_out_pictures, write_clips
from c3n_model.experiments.paper.plans import paper_tables
from c3n_model.experiments.paper.recipes import ABLATION
from c3n_model.labels.names import imagenet_names
from c3n_model.labels.similarity_table import LabelTable
from c3n_model.loading import load_model
from c3n_model.training import run
from c3n_model.training.run import fit_model
from c3n_model.training.visual_head import VisualHead

CONFIG = """
model: {visual: mobilenetv2_100, audio: mn04, channels: 8, image_size: 64, history: 2}
train: {epochs: 1, batch_size: 2, color_jitter: false, precision: bfloat16, freeze_backbone: true, cache_features: true,
        fit_thresholds: true, learning_rate: 1.0e-3}
"""
NAMES = ["Bark", "Speech", "Sneeze", "Dog", "Rain"]
FEW = {"train": 2, "val": 3, "test": 0}
PICTURES = 8


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """A folder with the pictures and sounds, and a few of a thousand clips."""
    folder = write_public_sets(tmp_path_factory.mktemp("material"), PICTURES)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(
            writer, "write_clips", lambda *given, **more: write_clips(*given[:3], FEW, **{**more, "workers": 1})
        )
        main(printed("c3n compose --images COCO/annotations/instances_train2017.json --sounds"))
    return folder


@pytest.fixture
def folder(clips, tmp_path, monkeypatch):
    """Composed clips, a config, and toy weights under public names, MobileNetV2's as TensorFlow's. No process loads clips."""
    own_weights(tmp_path, monkeypatch)
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    write_public_weights(tmp_path)
    (tmp_path / "mobilenetv2_100_ra-b33bc2c4.pth").unlink()
    save_file(timm.create_model("mobilenetv2_100").state_dict(), tmp_path / "mobilenetv2_100_tfsame.safetensors")
    rows = [f"{k},/m/{k},{NAMES[k] if k < len(NAMES) else f'sound {k}'}" for k in range(527)]
    (tmp_path / "class_labels_indices.csv").write_text("\n".join(["index,mid,display_name", *rows]))
    (tmp_path / "config").mkdir()
    configure(CONFIG)
    for name in ("clips", "COCO"):
        (tmp_path / name).symlink_to(clips / name)
    (tmp_path / "learnt").symlink_to("clips")
    monkeypatch.setattr(run, "fit_model", lambda *given, **more: fit_model(*given, **{**more, "workers": 0}))
    return tmp_path


def configure(text):
    Path("config/real_small.yaml").write_text(text)


def trained(line):
    """Run a printed line; return the model that it writes."""
    main(line)
    return load_model(line[line.index("-o") + 1])


def test_the_table_of_sound_sources_and_weights_of_tensorflow(folder):
    model = trained(printed("c3n train clips --config config/real_small.yaml --labels sources -o"))
    encoder = model.network.visual_encoder
    assert encoder.input_statistics == {"mean": [0.5] * 3, "std": [0.5] * 3, "padding": "same"}
    assert list(model.visual_labels) == imagenet_names() and model.audio_labels[:5] == tuple(NAMES)
    assert model.network.similarity[0, imagenet_names().index("Irish terrier")] == 1
    assert "mobilenetv2_100_tfsame.safetensors" in model.card["weights"]
    main(["labels", "build", "--sources", "-o", "labels.safetensors"])
    assert torch.equal(LabelTable.load(folder / "labels.safetensors").similarity, model.network.similarity)


def test_thresholds_are_fitted_and_stored_and_a_set_needs_no_test_clips(folder):
    model = trained(printed("c3n train clips --config config/real_small.yaml --labels sources -o"))
    fitted = model.card["thresholds"]
    assert (model.config.presence_threshold, model.config.visibility_threshold) == (
        fitted["presence_threshold"], fitted["visibility_threshold"],
    )  # fmt: skip
    assert fitted["seconds_in_view"] > 0 and fitted["seconds_without"] > 0
    assert model.card["scores"] == {}


def test_a_warm_start_goes_on_from_the_weights_of_a_model(folder):
    first = trained(printed("c3n train clips --config config/real_small.yaml --labels sources -o"))
    configure(CONFIG.replace("1.0e-3", "1.0e-9").replace("history: 2", "history: 2, alpha: 0.5"))
    second = trained(printed("c3n train clips learnt"))
    assert second.config.alpha == 0.5
    found = second.network.state_dict()
    for name, value in first.network.state_dict().items():
        assert torch.allclose(value, found[name], atol=1e-5), name
    configure(CONFIG.replace("channels: 8", "channels: 16"))
    with pytest.raises(SystemExit, match="real.safetensors do not fit"):
        main(printed("c3n train clips learnt"))
    configure(CONFIG.replace("mobilenetv2_100", "pvt_v2_b0"))
    with pytest.raises(SystemExit, match="real.safetensors has the visual encoder mobilenetv2_100"):
        main(printed("c3n train clips learnt"))


def test_a_visual_head_brings_its_classes(folder, clips, capsys):
    main(
        printed(
            "c3n train-visual-head --images COCO/annotations/instances_train2017.json --composed clips --image-size"
        )
    )
    said = capsys.readouterr().out
    assert "person: AP" in said and "1002 classes on mobilenetv2_100_tfsame" in said
    loaded = VisualHead.load(folder / "head.safetensors")
    assert loaded.labels[1000:] == ("dog", "person")
    held_out = sum(key.startswith("man") for key in held_out_pictures(folder / "clips"))
    assert 0 < loaded.card["scores"]["person"]["pictures"] == PICTURES - held_out < PICTURES
    model = trained(printed("c3n train clips --config config/real_small.yaml --labels sources --visual-head"))
    assert model.visual_labels == loaded.labels
    assert torch.equal(model.network.visual_encoder.head().weight, loaded.weight)
    public = timm.create_model("mobilenetv2_100")
    assert torch.equal(
        model.network.visual_encoder.backbone.conv_stem.weight,
        load_model("real.safetensors").network.visual_encoder.backbone.conv_stem.weight,
    )
    assert not torch.equal(model.network.visual_encoder.backbone.conv_stem.weight, public.conv_stem.weight)
    assert model.card["visual_head"]["scores"].keys() == {"dog", "person"}
    assert model.network.similarity[NAMES.index("Speech")].nonzero().flatten().tolist() == [1001]
    assert json.dumps(model.card)
    with pytest.raises(SystemExit, match="--visual-head goes with --labels"):
        main([*printed("c3n train clips learnt"), "--visual-head", "head.safetensors"])


def test_pictures_of_validation_clips_are_left_out_of_a_head(folder, clips, capsys):
    used = {"val": set(), "train": set()}
    for line in (clips / "clips/sources.jsonl").read_text().splitlines():
        record = json.loads(line)
        used[record["split"]].add(record["background"])
    held_out = held_out_pictures(clips / "clips")
    assert used["val"] <= held_out and not used["train"] & held_out
    with pytest.raises(SystemExit, match="no sources.jsonl"):
        main(["train-visual-head", "--images", "COCO/annotations", "-o", "h.safetensors", "--composed", str(folder)])


def test_a_table_of_the_paper_for_own_clips(folder, monkeypatch):
    """Table II with the encoders, schedule and thresholds of the config; once instead of with three seeds, and scored on the
    validation clips, as there are no others."""
    line = printed("c3n reproduce II --data clips --settings ms3")
    assert line[line.index("--seeds") + 1] == "3"
    line[line.index("--seeds") + 1] = "1"
    head = line.index("--visual-head")
    main(
        printed(
            "c3n train-visual-head --images COCO/annotations/instances_train2017.json --composed clips --image-size"
        )
    )
    monkeypatch.setitem(paper_tables()["II"], "split", "val")
    main(line)
    table = json.loads((folder / "ablation/table.json").read_text())
    assert [row["name"] for row in table["rows"]] == list(ABLATION)
    assert table["made_by"]["trainings"] == len(ABLATION) and table["made_by"]["form"] is None
    assert table["made_by"]["data"]["labels"] == "sources" and len(table["made_by"]["data"]["visual_head"]) == 64
    assert not table["comparable_with_the_paper"]
    assert "mobilenetv2_100+mn04, in the place of PVTv2+PANNs" in (folder / "ablation/table.md").read_text()
    models = [load_model(path) for path in (folder / "ablation/runs").glob("ms3_*.safetensors")]
    assert {(model.config.history, len(model.visual_labels)) for model in models} == {(2, 1002)}
    line[head + 1] = "missing.safetensors"
    with pytest.raises(SystemExit, match="missing.safetensors"):
        main([*line[:-1], "other"])
    assert not (folder / "other").exists()
