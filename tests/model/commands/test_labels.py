"""`c3n labels build`: a table from the command line, and its report."""

import numpy as np
import pytest
from printed_lines import printed
from toy_weights import own_weights
from word_files import write_npz, write_spacy

from c3n_model.cli import main
from c3n_model.labels.names import imagenet_names
from c3n_model.labels.similarity_table import LabelTable
from c3n_model.weights import manifest

WORDS = {"violin": [1, 0], "guitar": [0.8, 0.6], "dog": [0, 1]}
VECTORS = {word: np.array(row, np.float32) for word, row in WORDS.items()}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("C3N_WEIGHTS", str(tmp_path / "no_weights"))
    monkeypatch.setattr(manifest, "cache_folder", lambda: tmp_path / "no_cache")
    write_npz(tmp_path / "words.npz", VECTORS)
    (tmp_path / "sounds.txt").write_text("Violin\n\nSilence\nBark, dog\n")
    (tmp_path / "sights.txt").write_text("guitar\ndog\n")
    return tmp_path


def test_a_table_of_two_files_of_labels(folder, capsys):
    command = "labels build -o table.safetensors --vectors words.npz --audio-labels sounds.txt"
    main([*command.split(), "--visual-labels", "sights.txt", "--cleaning", "best_synonym"])
    table = LabelTable.load(folder / "table.safetensors")
    assert table.audio_labels == ("Violin", "Silence", "Bark, dog")
    assert table.similarity.flatten().tolist() == pytest.approx([0.8, 0, 0, 0, 0.6, 1])
    assert table.provenance["command"] == f"c3n {command} --visual-labels sights.txt --cleaning best_synonym"
    out = capsys.readouterr().out.splitlines()
    assert out == [
        "1 of 3 audio labels have no vector and are ignored: Silence",
        "wrote table.safetensors: 3 x 2 labels, 2-d vectors of words.npz, cleaning best_synonym",
    ]


def test_imagenet_needs_no_file(folder, monkeypatch, capsys):
    """A small model of spaCy and AudioSet's classes in the place of those that are downloaded."""
    write_spacy(folder / "en_core_web_lg", VECTORS)
    own_weights(folder, monkeypatch)
    rows = "".join(f"{number},/m/{number},{'sound' if number else 'Violin'}\n" for number in range(527))
    (folder / "class_labels_indices.csv").write_text(f"index,mid,display_name\n{rows}")
    main(printed("c3n labels build"))
    table = LabelTable.load(folder / "labels.safetensors")
    assert table.visual_labels == tuple(imagenet_names())
    assert table.similarity[0, table.visual_labels.index("violin, fiddle")].item() == pytest.approx(1)
    assert "; and " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--audio-labels sounds.txt --vectors en_core_web_none", "'en_core_web_none'"),
        ("--audio-labels nothing.txt", "nothing.txt"),
        ("--vectors words.npz", "c3n weights get audioset_classes"),
        ("--audio-labels sounds.txt --visual-labels nothing", "nothing"),
        ("--audio-labels words.npz", "words.npz"),
        ("--audio-labels sounds.txt --vectors words.npz --cleaning tidy", "whole, first_synonym"),
    ],
)
def test_bad_input_is_one_line(folder, options, message):
    with pytest.raises(SystemExit) as stop:
        main(["labels", "build", "-o", "table.safetensors", *options.split()])
    assert message in str(stop.value.code)
    assert "\n" not in str(stop.value.code)
    assert not (folder / "table.safetensors").exists()
