"""The csv tables agree with the evaluation."""

import csv

import numpy as np
import pytest
import torch
from bright_model import Clips, make_bright_model, make_clip, rows

from c3n_model.progress import silent
from c3n_model.scoring.evaluate import evaluate
from c3n_model.scoring.report.tables import clip_rows, describe_model, frame_rows, to_mapping, write_rows


@pytest.fixture(scope="module")
def evaluation():
    clips = [make_clip("a", rows(16, 16), rows(8, 0), "fan"), make_clip("b", rows(4, 4), rows(4, 4), "bell")]
    return evaluate(make_bright_model(), Clips(clips), torch.device("cpu"), silent)


def test_clip_rows(evaluation):
    first, second = clip_rows(evaluation)
    assert first == {
        "setting": "s4",
        "clip": "a",
        "category": "fan",
        "frames": 2,
        "empty_frames": 1,
        "truth_pixels": 8 * 32,
        "iou": pytest.approx(0.5),
        "fscore": pytest.approx(1.3 * 0.5 / (0.3 * 0.5 + 1)),
        "false_positive_area": pytest.approx(0.5),
        "label": "ring ~ bell",
    }
    assert (second["empty_frames"], second["false_positive_area"]) == (0, None)


def test_frame_rows(evaluation):
    found = frame_rows(evaluation)
    assert [(row["clip"], row["second"]) for row in found] == [("a", 0), ("a", 1), ("b", 0), ("b", 1)]
    assert found[1]["fscore"] is None
    assert (found[0]["true_positive"], found[0]["false_positive"]) == (8 * 32, 8 * 32)
    assert (found[0]["audio"], found[0]["visual"], found[0]["consensus"]) == ("ring", "bell", 0.75)


def test_csv_keeps_every_digit(evaluation, tmp_path):
    write_rows(tmp_path / "clips.csv", clip_rows(evaluation))
    with (tmp_path / "clips.csv").open(newline="") as file:
        read = list(csv.DictReader(file))
    assert [float(row["iou"]) for row in read] == evaluation.clip_ious().tolist()
    assert read[1]["false_positive_area"] == ""


def test_mapping_has_the_curves(evaluation):
    found = to_mapping(evaluation, batch_size=2)
    assert found["summary"]["official"]["batch_size"] == 2
    assert np.max(found["curves"]["fscore"]) == found["summary"]["batch_independent"]["fscore"]
    assert len(found["curves"]["threshold"]) == 255


def test_model_is_described_by_its_file(tmp_path):
    model = make_bright_model()
    model.card.update(note="paints what is bright", history=[1])
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"abc")
    found = describe_model(str(file), model)
    assert found["sha256"] == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert (found["note"], found["parameters"], "history" in found) == ("paints what is bright", 1, False)
    assert "sha256" not in describe_model("demo", model)
