import json

import cv2
import numpy as np
import pytest

from c3n_model.review.seconds import Polygon, Review, ReviewSecond, read_seconds, to_png
from c3n_model.sources.results import ResultWriter
from c3n_model.streaming.segment import cut_windows, segment
from c3n_model.streaming.session import Session
from c3n_model.synthetic.scenes import make_demo_scene
from c3n_model.synthetic.source import SceneSource

SQUARE = ((0.0, 0.0), (0.5, 0.0), (0.5, 0.5), (0.0, 0.5))
SECOND = 1_000_000_000


def second(number, mask=None, label="dog"):
    mask = np.zeros((21, 41), bool) if mask is None else mask
    _, jpeg = cv2.imencode(".jpg", np.full((21, 41, 3), 100, np.uint8))
    return ReviewSecond(number * SECOND, jpeg.tobytes(), np.zeros(16_000, np.float32), to_png(mask), label)


def test_polygons_add_remove_and_replace():
    full = np.ones((21, 41), bool)
    drawn = Polygon(SQUARE, "only").apply(full)
    assert drawn[:11, :21].all() and drawn.sum() == 11 * 21
    assert (Polygon(SQUARE, "remove").apply(full) == ~drawn).all()
    assert (Polygon(SQUARE, "add").apply(~full) == drawn).all()


@pytest.mark.parametrize("points, mode", [(SQUARE[:2], "add"), (SQUARE, "cut"), (((0, 0), (2, 0), (1, 1)), "add")])
def test_wrong_polygons(points, mode):
    with pytest.raises(ValueError):
        Polygon(points, mode)


def test_verdicts_are_kept_and_found_again(tmp_path):
    review = Review([second(0), second(1)], tmp_path / "reviews/clip.json")
    review.change(1, {"decision": "keep", "label": " cat ", "polygons": [{"points": SQUARE}]})
    again = Review([second(0), second(1)], tmp_path / "reviews/clip.json")
    assert [entry["decision"] for entry in again.describe()] == ["undecided", "keep"]
    assert again.describe()[1]["label"] == "cat" and again.mask(1).sum() == 11 * 21 and not again.mask(0).any()
    assert not (again.picture(0) != again.seconds[0].rgb).any() and (again.picture(1) != again.seconds[1].rgb).any()
    again.change(1, {"polygons": []})
    assert not again.mask(1).any() and again.describe()[1]["decision"] == "keep"


def test_wrong_changes_change_nothing(tmp_path):
    review = Review([second(0)], tmp_path / "clip.json")
    for number, values in ((1, {}), (-1, {}), (0, {"decision": "maybe"}), (0, {"polygons": [{"points": [[0, 0]]}]})):
        with pytest.raises(ValueError):
            review.change(number, {"label": "x"} | values)
    assert review.describe()[0]["label"] == "dog" and not (tmp_path / "clip.json").exists()


def test_files_of_others_are_refused(tmp_path):
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(ValueError, match="not a file of c3n review"):
        Review([second(0)], tmp_path / "a.json")
    entry = {"decision": "keep", "label": "", "polygons": []}
    (tmp_path / "b.json").write_text(json.dumps({"7": entry}))
    with pytest.raises(ValueError, match="another recording"):
        Review([second(0)], tmp_path / "b.json")


def test_masks_of_c3n_segment_are_the_proposals(tmp_path, tiny_model):
    def scene(seconds=2):
        items = SceneSource(make_demo_scene(), height=48, width=64, frame_rate=10)
        return [item for item in items if item.stamp_ns < (seconds + 0.2) * SECOND]

    with ResultWriter(tmp_path / "out") as results:
        found = list(segment(scene(), Session(tiny_model, "cpu", threshold=0.3), show=results.show))
        for one in found:
            results.write(one)
    seconds = read_seconds(cut_windows(scene(), 16_000), tmp_path / "out")
    assert len(seconds) == len(found) == 2
    for one, segmentation in zip(seconds, found, strict=True):
        assert (one.proposal == segmentation.mask).all()
        assert one.label == (segmentation.label.visual if segmentation.mask.any() else "")
    assert not any(one.proposal.any() for one in read_seconds(cut_windows(scene(), 16_000), None))
    with pytest.raises(ValueError, match="c3n segment"):
        read_seconds(cut_windows(scene(), 16_000), tmp_path)
