import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from c3n_model.sources.media import VideoSource
from c3n_model.sources.results import ResultWriter
from c3n_model.types import AudioChunk, Frame, Presence, Segmentation, SoundingObject, UnifiedLabel

SECOND = 1_000_000_000
SIZE = (120, 160)


def segmentation(second, audible=True):
    mask = np.zeros(SIZE, bool)
    mask[60:100, 40:120] = audible
    return Segmentation(
        window_start_ns=second * SECOND,
        stamp_ns=second * SECOND + 900_000_000,
        frame_id="camera",
        mask=mask,
        confidence=mask.astype(np.uint8) * 255,
        label=UnifiedLabel("Bark", "dog", 0.9, 0.8, 0.5, 0.7),
        presence=Presence(audible, 0.9, -20.0),
        objects=(SoundingObject("dog", 0.5, (40, 60, 80, 40), (79.5, 79.5), 3200),) if audible else (),
    )


def items(seconds, frames_per_second=10, offset_ns=0):
    """(arrival time, item) of black frames and a steady sound."""
    frames = [
        Frame(np.zeros((*SIZE, 3), np.uint8), k * SECOND // frames_per_second + offset_ns)
        for k in range(seconds * frames_per_second)
    ]
    chunks = [AudioChunk(np.full((800, 1), 0.1, np.float32), 16_000, at * SECOND // 20) for at in range(20 * seconds)]
    return [(one.stamp_ns, one) for one in frames] + [(one.end_ns, one) for one in chunks]


def run(folder, arrivals, segmentations):
    """As `c3n segment` does it: a segmentation comes when its second is over."""
    arrivals = arrivals + [(one.window_start_ns + SECOND + 50_000_000, one) for one in segmentations]
    with ResultWriter(folder) as results:
        for _, one in sorted(arrivals, key=lambda pair: pair[0]):
            results.write(one) if isinstance(one, Segmentation) else results.show(one)


def tinted(folder):
    """Of each frame of the overlay whether a mask is drawn on it."""
    return [
        bool(item.rgb[80, 80, 0] > 60)
        for item in VideoSource(folder / "overlay.mp4", exact=True)
        if isinstance(item, Frame)
    ]


def test_masks_and_labels(tmp_path):
    run(tmp_path, items(2), [segmentation(0), segmentation(1, audible=False)])
    first, second = (json.loads(line) for line in (tmp_path / "labels.jsonl").read_text().splitlines())
    assert first["mask"] == "masks/0000000000900000000.png" and first["window_start_ns"] == 0 and first["heard"] == 1.0
    assert first["label"] == {
        "audio": "Bark",
        "visual": "dog",
        "audio_score": 0.9,
        "visual_score": 0.8,
        "similarity": 0.5,
        "consensus": 0.7,
    }
    assert first["objects"][0]["box"] == [40, 60, 80, 40] and second["presence"]["audible"] is False
    mask = cv2.imread(str(tmp_path / first["mask"]), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(mask, segmentation(0).mask * np.uint8(255))
    assert not cv2.imread(str(tmp_path / second["mask"]), cv2.IMREAD_UNCHANGED).any()


def test_labels_say_what_motion_decided_where_it_was_compared(tmp_path):
    plain = segmentation(0)
    moving = replace(segmentation(1), objects=(replace(plain.objects[0], motion=0.75),), motion_decision="chosen")
    run(tmp_path, items(2), [plain, moving])
    first, second = (json.loads(line) for line in (tmp_path / "labels.jsonl").read_text().splitlines())
    assert "motion_decision" not in first and "motion" not in first["objects"][0]
    assert second["motion_decision"] == "chosen" and second["objects"][0]["motion"] == 0.75


def test_each_mask_is_held_from_its_frame_to_the_next_mask(tmp_path):
    run(tmp_path, items(4), [segmentation(0), segmentation(1, audible=False), segmentation(2)])
    # Frame 9 is that of the first second, 19 of the second one.
    assert tinted(tmp_path) == [False] * 9 + [True] * 10 + [False] * 10 + [True] * 11
    chunks = [item for item in VideoSource(tmp_path / "overlay.mp4") if isinstance(item, AudioChunk)]
    assert sum(len(chunk.samples) for chunk in chunks) / chunks[0].sample_rate == pytest.approx(4, abs=0.05)


def test_one_frame_per_second_shows_its_own_mask(tmp_path):
    run(
        tmp_path,
        items(4, frames_per_second=1, offset_ns=900_000_000),
        [segmentation(k, audible=k % 2 == 0) for k in range(4)],
    )
    assert tinted(tmp_path) == [True, False, True, False]


def test_frames_do_not_wait_for_windows_that_never_come(tmp_path):
    with ResultWriter(tmp_path) as results:
        for _, item in sorted(items(20), key=lambda pair: pair[0]):
            results.show(item)
            assert len(results._waiting) < 60
    assert len(tinted(tmp_path)) == 200


def test_a_frame_of_another_size_is_shown_without_a_mask(tmp_path):
    arrivals = items(2) + [(2 * SECOND, Frame(np.zeros((20, 20, 3), np.uint8), 2 * SECOND))]
    run(tmp_path, arrivals, [segmentation(0)])
    assert tinted(tmp_path)[-2:] == [True, False]


def test_only_the_results_of_an_earlier_run_are_replaced(tmp_path):
    run(tmp_path, items(2), [segmentation(0), segmentation(1)])
    (tmp_path / "masks/mine.png").write_bytes(b"")
    run(tmp_path, items(1), [segmentation(0)])
    assert sorted(file.name for file in (tmp_path / "masks").iterdir()) == ["0000000000900000000.png", "mine.png"]
    assert len((tmp_path / "labels.jsonl").read_text().splitlines()) == 1


def test_results_before_an_error_are_kept(tmp_path):
    with pytest.raises(RuntimeError), ResultWriter(tmp_path) as results:
        results.write(segmentation(0))
        raise RuntimeError
    assert len((tmp_path / "labels.jsonl").read_text().splitlines()) == 1 and not (tmp_path / "overlay.mp4").exists()
