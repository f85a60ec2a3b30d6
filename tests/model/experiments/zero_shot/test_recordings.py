"""Recordings second by second."""

import cv2
import numpy as np
import pytest
import torch
from bench_folder import RATE, LeftHalf, tiny_model, tone, write_video

from c3n_model.experiments.zero_shot.recordings import run_clips, run_pairs, run_silent
from c3n_model.experiments.zero_shot.sounds import Sound
from c3n_model.progress import silent


@pytest.fixture(scope="module")
def model():
    return tiny_model(LeftHalf(), presence_threshold=0.0)


def test_clips_second_by_second(model, tmp_path):
    write_video(tmp_path / "a b.mp4")
    everything = frozenset(model.visual_labels)
    (known,), (wrong,), (unknown,) = (
        run_clips(model, [(tmp_path / "a b.mp4", nouns)], "cpu", silent)
        for nouns in (everything, frozenset({"gizmo"}), frozenset())
    )
    assert (known.name, known.sheet) == ("a b", "clip_a_b.png")
    assert [second["second"] for second in known.seconds] == [0, 1]
    assert [[second["right"] for second in found.seconds] for found in (known, wrong, unknown)] == [
        [True, True],
        [False, False],
        [None, None],
    ]
    assert all(second["published"] is (second["mask_area"] > 0) for second in known.seconds)
    assert [picture.shape for picture in known.pictures] == [(48, 64, 3)] * 2


def test_silence_is_never_given_a_mask(model, tmp_path):
    write_video(tmp_path / "q.mp4", loudness=0)
    (found,) = run_silent(model, tmp_path, "cpu", silent)
    assert [(second["published"], second["loudness_dbfs"]) for second in found.seconds] == [(False, -120)] * 2
    assert run_silent(model, tmp_path / "nowhere", "cpu", silent) == []


def test_a_video_without_a_whole_second_is_named(model, tmp_path):
    write_video(tmp_path / "q.mp4")
    (tmp_path / "short.mp4").write_bytes((tmp_path / "q.mp4").read_bytes()[:40])
    with pytest.raises(ValueError, match=r"short\.mp4"):
        run_silent(model, tmp_path, "cpu", silent)


def test_pairs(model, tmp_path):
    cv2.imwrite(str(tmp_path / "p.png"), np.zeros((9, 9, 3), np.uint8))
    pairs = [(tmp_path / "p.png", Sound("p", tone(440, 1), RATE, noun)) for noun in ("gizmo", "person")]
    first, second = run_pairs(model, pairs, torch.device("cpu"))
    assert (first["name"], first["truth"], first["right"]) == ("p.png", "gizmo", False)
    assert first["named"] == second["named"]
    assert second["right"] == (second["named"] == "person")
