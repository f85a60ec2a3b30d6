"""Names where no masks are known."""

import cv2
import numpy as np
import pytest
import torch
from bench_folder import RATE, LeftHalf, tiny_model, tone, write_video

from c3n_model.experiments.zero_shot.names import play_clips, play_pairs, tag
from c3n_model.experiments.zero_shot.sounds import Sound
from c3n_model.progress import silent


@pytest.fixture(scope="module")
def model():
    return tiny_model(LeftHalf(), presence_threshold=0.0)


def test_clips_second_by_second(model, tmp_path):
    write_video(tmp_path / "a b.mp4")
    everything = frozenset(model.visual_labels)
    (known,), (wrong,), (unknown,) = (
        play_clips(model, [(tmp_path / "a b.mp4", nouns)], "cpu", silent)
        for nouns in (everything, frozenset({"gizmo"}), frozenset())
    )
    assert known.name == "a b" and [second["second"] for second in known.rows] == [0, 1]
    right = [[second["right"] for second in found.rows] for found in (known, wrong, unknown)]
    assert right == [[True, True], [False, False], [None, None]]
    assert all(second["published"] is (second["mask_area"] > 0) for second in known.rows)
    assert [picture.shape for picture in known.pictures] == [(48, 64, 3)] * 2


def test_pairs(model, tmp_path):
    cv2.imwrite(str(tmp_path / "p.png"), np.zeros((9, 9, 3), np.uint8))
    pairs = [(tmp_path / "p.png", Sound("p", tone(440, 1), RATE, noun)) for noun in ("gizmo", "person")]
    first, second = play_pairs(model, pairs, "cpu", silent)
    assert (first.name, first.sounding, first.rows[0]["right"]) == ("p.png", {"gizmo"}, False)
    assert first.rows[0]["visual"] == second.rows[0]["visual"]
    assert second.rows[0]["right"] == (second.rows[0]["visual"] == "person")


def test_top_1_and_top_5_by_folder():
    model = tiny_model()  # hears the band of a tone: 500 Hz a class
    right = [frozenset({name}) for name in model.audio_labels[:2]]
    sounds = [
        Sound("a/1", tone(125, 1), RATE, "", right[0]),
        Sound("a/2", tone(125, 1), RATE, "", frozenset({"Yodeling"})),
        Sound("b/1", tone(2125, 1), RATE, "", frozenset({model.audio_labels[4]})),
        Sound("c/1", tone(125, 1), RATE, ""),
    ]
    found = tag(model, sounds, torch.device("cpu"), silent)
    assert (found["sounds"], found["top1"]) == (3, pytest.approx(2 / 3))
    assert found["by_folder"] == {
        "a": {"sounds": 2, "top1": 0.5, "top5": 0.5},
        "b": {"sounds": 1, "top1": 1.0, "top5": 1.0},
    }
    nothing = {"sounds": 0, "top1": None, "top5": None, "by_folder": {}}
    assert tag(model, [], torch.device("cpu"), silent) == nothing
