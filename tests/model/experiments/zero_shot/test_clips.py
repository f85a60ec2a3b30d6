"""Clips with their truth, and silent ones."""

import json

import numpy as np
import pytest
from bench_folder import write_video

from c3n_model.experiments.zero_shot.clips import silent_seconds, true_seconds


def write_truth(folder, content):
    (folder / "truth.json").write_text(content if isinstance(content, str) else json.dumps(content))


def test_polygons_second_by_second(tmp_path):
    write_video(tmp_path / "a.mp4", seconds=3)
    left, right = [0, 0, 0.5, 0, 0.5, 1, 0, 1], [0.9, 0, 1, 0, 1, 1, 0.9, 1]
    rows = [
        {"second": 1, "sounding": ["dog", "Aeroplane"], "polygons": [left, right]},
        {"second": 2, "sounding": ["dog"], "polygons": []},
    ]
    write_truth(tmp_path, {"a.mp4": rows})
    first, second = true_seconds(tmp_path)
    assert (first.name, first.group, first.noun) == ("a, second 1", "a", "airplane and dog")
    assert first.mask[:, :32].all() and first.mask[:, -5:].all() and not first.mask[:, 36:54].any()
    assert (first.right, second.right, second.mask.any()) == ({"airplane", "dog"}, frozenset(), False)
    clip = second.clip(8000, history=2)
    assert clip.frames.shape == (2, 48, 64, 3) and clip.snippets.shape == (2, 8000)
    assert clip.has_mask.tolist() == [False, True] and clip.frames[1].mean() > clip.frames[0].mean()  # they brighten
    assert np.abs(clip.snippets).max() > 0.1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "truth.json"),
        ([1], "truth.json"),
        ({"a.mp4": [{"second": 0}]}, "sounding"),
        ({"b.mp4": []}, "b.mp4"),
        ({"a.mp4": [{"second": 9, "sounding": [], "polygons": []}]}, "second 9 of a.mp4"),
        ({"a.mp4": [{"second": 0, "sounding": [], "polygons": [[0, 0, 1, 1]]}]}, "second 0 of a.mp4"),
    ],
)
def test_a_bad_truth_is_named(tmp_path, content, message):
    write_video(tmp_path / "a.mp4", seconds=1)
    write_truth(tmp_path, content)
    with pytest.raises(ValueError, match=message):
        true_seconds(tmp_path)


def test_without_a_truth_there_is_nothing(tmp_path):
    write_video(tmp_path / "a.mp4", seconds=1)
    assert true_seconds(tmp_path) == [] and silent_seconds(tmp_path / "nowhere") == []


def test_every_second_of_a_silent_video(tmp_path):
    write_video(tmp_path / "q.mp4", seconds=2, loudness=0)
    found = silent_seconds(tmp_path)
    assert [second.name for second in found] == ["q, second 0", "q, second 1"]
    assert not any(second.mask.any() or second.right for second in found)


def test_a_damaged_video_is_named(tmp_path):
    write_video(tmp_path / "q.mp4")
    (tmp_path / "short.mp4").write_bytes((tmp_path / "q.mp4").read_bytes()[:40])
    with pytest.raises(ValueError, match=r"short\.mp4"):
        silent_seconds(tmp_path)
