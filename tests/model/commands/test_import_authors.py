"""`c3n import`: a checkpoint of the authors' code, labels and an audio encoder become one model."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from authors_network import AUDIO_CLASSES, VISUAL_CLASSES, StubAudio, their_checkpoint
from safetensors.torch import save_file

from c3n_model.cli import main
from c3n_model.loading import load_model


@dataclass
class Table:
    """Stand-in for a label table, with the fields that the command reads."""

    audio_labels: tuple = ("bark", "engine", "violin", "wind")
    visual_labels: tuple = ("dog", "cat", "car", "truck", "violin", "tree")
    provenance: dict = field(default_factory=lambda: {"rule": "made up"})
    similarity: torch.Tensor = field(default_factory=lambda: torch.eye(AUDIO_CLASSES, VISUAL_CLASSES))

    @classmethod
    def load(cls, path):
        return cls()


def use_audio(width: int, folder, monkeypatch) -> StubAudio:
    """Put a checkpoint and an audio encoder of another width in the place of VGGish's."""
    monkeypatch.setattr("c3n_model.weights.checkpoint.build_audio_encoder", lambda name, classes: StubAudio(width))
    torch.save(their_checkpoint("pvt_v2_b0", width), folder / "theirs.pth")
    audio = StubAudio(width)
    save_file(audio.state_dict(), folder / "audio.safetensors")
    return audio


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "c3n_model.labels.similarity_table", SimpleNamespace(LabelTable=Table))
    monkeypatch.setattr("c3n_model.weights.checkpoint.build_audio_encoder", lambda name, classes: StubAudio(128))
    torch.save(their_checkpoint("pvt_v2_b0", 128), tmp_path / "theirs.pth")
    save_file(StubAudio(128).state_dict(), tmp_path / "audio.safetensors")
    monkeypatch.setattr("c3n_model.weights.manifest.find", Path)
    monkeypatch.setattr("c3n_model.labels.names.audioset_names", lambda path: list(Table.audio_labels))
    monkeypatch.setattr("c3n_model.labels.names.imagenet_names", lambda: list(Table.visual_labels))
    monkeypatch.chdir(tmp_path)
    return tmp_path


COMMAND = [
    "import",
    "theirs.pth",
    "--labels",
    "labels",
    "--audio-weights",
    "audio.safetensors",
    "-o",
    "model.safetensors",
]


def test_import_writes_a_model_that_runs(files, capsys):
    main(COMMAND)
    told = capsys.readouterr().out.strip()
    assert told.startswith("wrote model.safetensors: pvt_v2_b0 with vggish; ") and "0.96 s" in told
    model = load_model("model.safetensors")
    assert model.visual_labels == Table().visual_labels
    assert model.config.snippet_spacing_s == 0.96
    assert model.card["labels"] == {"rule": "made up"}
    assert model.card["commands"][0].startswith("c3n import theirs.pth")
    with torch.no_grad():
        assert model.network(torch.rand(1, 2, 3, 64, 64), torch.rand(1, 2, 16000) - 0.5).shape == (1, 2, 64, 64)


def test_a_model_of_ours_can_give_the_audio_encoder(files):
    main(COMMAND)
    main([*COMMAND[:5], "model.safetensors", "-o", "again.safetensors"])
    first, second = load_model("model.safetensors").network, load_model("again.safetensors").network
    assert torch.equal(first.audio_encoder.classifier.weight, second.audio_encoder.classifier.weight)


def test_public_audio_weights_are_the_default(files, monkeypatch):
    asked = []
    monkeypatch.setattr("c3n_model.weights.pretrained.load_audio", lambda encoder, name: asked.append(name))
    main([*COMMAND[:4], *COMMAND[6:]])
    assert asked == ["vggish"]
    assert load_model("model.safetensors").config.audio == "vggish"


def test_the_setting_of_panns_is_told_by_the_name_or_by_the_option(files, monkeypatch, capsys):
    use_audio(2048, files, monkeypatch)
    with pytest.raises(SystemExit, match="s4 or ms3.*--setting"):
        main(COMMAND)
    for arguments, scores in ((["--setting", "s4"], "sigmoid"), (["--setting", "ms3"], "logits")):
        main([*COMMAND, *arguments])
        assert load_model("model.safetensors").config.audio_scores == scores
        assert ("audio_scores: sigmoid" in capsys.readouterr().out) == (scores == "sigmoid")
    (files / "theirs.pth").rename(files / "S4_pvt_aug_best.pth")
    main(["import", "S4_pvt_aug_best.pth", *COMMAND[2:]])
    model = load_model("model.safetensors")
    assert (model.config.audio_scores, model.card["setting"]) == ("sigmoid", "s4")


def test_beats_keeps_the_class_order_of_its_file(files, monkeypatch, capsys):
    use_audio(768, files, monkeypatch)
    mids = ["/m/bark", "/m/engine", "/m/violin", "/m/wind"]
    public = {"label_dict": {0: mids[3], 1: mids[0], 2: mids[2], 3: mids[1]}}
    monkeypatch.setattr("c3n_model.weights.pretrained._find_first", lambda *_: Path("beats.pt"))
    monkeypatch.setattr("c3n_model.weights.pretrained.read_tensors", lambda path: public)
    monkeypatch.setattr("c3n_model.weights.pretrained._audioset_mids", lambda path: mids)
    main(COMMAND)
    assert "audio_order: checkpoint" in capsys.readouterr().out
    model = load_model("model.safetensors")
    assert model.config.audio_order == "checkpoint"
    assert model.network.place_in_checkpoint.tolist() == [1, 3, 2, 0]
    monkeypatch.setattr("c3n_model.weights.pretrained._find_first", pytest.fail)  # a model of ours has the order, too
    main([*COMMAND[:5], "model.safetensors", "-o", "again.safetensors"])
    assert load_model("again.safetensors").network.place_in_checkpoint.tolist() == [1, 3, 2, 0]


def test_parts_that_do_not_fit_are_one_line(files, monkeypatch):
    monkeypatch.setattr(Table, "load", lambda path: Table(visual_labels=Table.visual_labels[::-1]))
    with pytest.raises(SystemExit, match="visual label 0.*'tree'.*'dog'"):
        main(COMMAND)
    monkeypatch.setattr(Table, "load", lambda path: Table(similarity=torch.ones(AUDIO_CLASSES, 2)))
    with pytest.raises(SystemExit, match=r"theirs\.pth.*C3N.*\b2\b.*shape.*head\.bias"):
        main(COMMAND)
    save_file({"classifier.weight": torch.zeros(AUDIO_CLASSES, 128)}, files / "audio.safetensors")
    with pytest.raises(SystemExit, match=r"audio\.safetensors.*StubAudio.*classifier\.bias"):
        main(COMMAND)
