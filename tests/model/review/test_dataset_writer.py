import cv2
import numpy as np
import pytest

from c3n_model.data.avsbench import AVSBench
from c3n_model.review.dataset_writer import plain, write_dataset
from c3n_model.review.seconds import Review, ReviewSecond, to_png

SECOND = 1_000_000_000


def make(tmp_path, starts, label="dog"):
    """A review of seconds of grey level 10, 20, ... whose masks are the left half, all kept."""
    seconds = []
    for number, start in enumerate(starts):
        mask = np.zeros((48, 64), bool)
        mask[:, :32] = True
        _, jpeg = cv2.imencode(".jpg", np.full((48, 64, 3), 10 * (number + 1), np.uint8))
        snippet = np.full(16_000, 0.01 * (number + 1), np.float32)
        seconds.append(ReviewSecond(start * SECOND, jpeg.tobytes(), snippet, to_png(mask), label))
    review = Review(seconds, tmp_path / "review.json")
    for number in range(len(seconds)):
        review.change(number, {"decision": "keep"})
    return review


def test_five_kept_seconds_in_a_row_are_a_clip(tmp_path):
    review = make(tmp_path, [*range(20), 30, 31])
    written = write_dataset(review, tmp_path / "data", "my clip.mp4")
    assert [split for _, split in written.clips] == ["train", "val", "train", "test"]
    assert written.left_over == 2 and written.clips[1][0] == "my_clip_mp4_005"
    train = AVSBench(tmp_path / "data", "ms3", "train", 16_000)
    assert len(train) == 2 and len(AVSBench(tmp_path / "data", "ms3", "test", 16_000)) == 1
    clip = train[1]  # from second 10 on
    assert clip.has_mask.all() and clip.masks[:, :, :112].all() and not clip.masks[:, :, 112:].any()
    assert [round(float(frame.mean())) for frame in clip.frames] == [110, 120, 130, 140, 150]
    assert clip.snippets[4].mean() == pytest.approx(0.15, abs=1e-3)


def test_a_dropped_second_breaks_the_row(tmp_path):
    review = make(tmp_path, range(10))
    review.change(4, {"decision": "drop"})
    written = write_dataset(review, tmp_path / "data", "clip", split="val")
    assert written.clips == (("clip_005", "val"),) and written.left_over == 4
    for number in range(6, 10):
        review.change(number, {"decision": "drop"})
    with pytest.raises(ValueError, match="five|5 in a row"):
        write_dataset(review, tmp_path / "data", "clip")


def test_writing_again_replaces_the_own_clips_only(tmp_path):
    data = tmp_path / "data"
    write_dataset(make(tmp_path / "a", range(5)), data, "other")
    review = make(tmp_path / "b", range(10))
    write_dataset(review, data, "clip", split="train")
    review.change(7, {"decision": "drop"})
    write_dataset(review, data, "clip", split="train")
    assert {clip.name for clip in AVSBench(data, "ms3", "train", 16_000).clips} == {"other_000", "clip_000"}
    assert {path.name for path in (data / "Multi-sources/ms3_data/visual_frames").iterdir()} == {
        "other_000",
        "clip_000",
    }


def test_s4_needs_one_label_and_makes_it_a_folder(tmp_path):
    review = make(tmp_path, range(10), label="dog")
    for number in range(5, 10):
        review.change(number, {"label": "big cat"})
    written = write_dataset(review, tmp_path / "data", "clip", "s4")
    assert len(written.clips) == 2
    clips = [AVSBench(tmp_path / "data", "s4", split, 16_000).clips[0] for split in ("train", "val")]
    assert [clip.category for clip in clips] == ["dog", "big_cat"]
    assert AVSBench(tmp_path / "data", "s4", "train", 16_000)[0].has_mask.tolist() == [True] + [False] * 4
    review.change(2, {"label": "wolf"})
    assert [name for name, _ in write_dataset(review, tmp_path / "data", "clip", "s4").clips] == ["clip_005"]


@pytest.mark.parametrize(
    "text, name", [("a/b c.mp4", "a_b_c_mp4"), ("../x", "x"), ("", "unlabelled"), ("Grüße", "Gr_e")]
)
def test_plain_names(text, name):
    assert plain(text) == name
