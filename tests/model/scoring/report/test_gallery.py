"""The clips that a report shows, and the content of their pictures."""

import base64

import cv2
import numpy as np
import pytest
import torch
from bright_model import Clips, make_bright_model, make_clip, rows
from tiny import make_tiny_model

from c3n_model.progress import silent
from c3n_model.scoring.evaluate import evaluate
from c3n_model.scoring.report.gallery import make_gallery

CPU = torch.device("cpu")


def gallery_of(clips, model=None, gated=False):
    model, clips = model or make_bright_model(), Clips(clips)
    return make_gallery(model, clips, evaluate(model, clips, CPU, silent, gated=gated), CPU, silent, gated=gated)


def picture(uri):
    kind, data = uri.split(",")
    assert kind == "data:image/jpeg;base64"
    return cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def test_best_and_worst_are_ranked_and_share_no_clip():
    clips = [make_clip(str(k), rows(8 + k), rows(8)) for k in range(5)]
    found = gallery_of(clips)
    assert [example.clip for example in found.best] == ["0", "1", "2"]
    assert [example.clip for example in found.worst] == ["4", "3"]
    assert found.false_positives == ()


def test_not_more_than_six_of_each():
    found = gallery_of(
        [make_clip(str(k), rows(k + 1), rows(0)) for k in range(15)] + [make_clip("a", rows(2), rows(2))]
    )
    assert [example.clip for example in found.best] == ["a"]  # the others have nothing to find
    assert [example.clip for example in found.false_positives] == [str(k) for k in range(14, 8, -1)]
    assert len(found.worst) == 6


def test_fewer_are_shown_if_asked():
    model, clips = make_bright_model(), Clips([make_clip(str(k), rows(8 + k), rows(8)) for k in range(5)])
    found = make_gallery(model, clips, evaluate(model, clips, CPU, silent), CPU, silent, shown=1)
    assert [example.clip for example in (*found.best, *found.worst)] == ["0", "4"]


def test_one_of_several_similar_clips_is_shown():
    model, clips = make_bright_model(), Clips([make_clip(str(k), rows(8 + k), rows(8)) for k in range(8)])
    evaluation = evaluate(model, clips, CPU, silent)
    found = make_gallery(model, clips, evaluation, CPU, silent, groups=list("aabbccdd"))
    assert [example.clip for example in found.best] == ["0", "2"]
    assert [example.clip for example in found.worst] == ["7", "5"]


def test_best_clip_shows_its_best_sounding_second_and_worst_its_worst():
    good = make_clip("good", rows(0, 8, 9), rows(0, 8, 8))
    bad = make_clip("bad", rows(32, 8, 16), rows(8, 8, 8))
    found = gallery_of([good, bad])
    assert [(e.clip, e.second, e.frame_iou) for e in found.best] == [("good", 1, pytest.approx(1))]
    assert [(e.clip, e.second, e.frame_iou) for e in found.worst] == [("bad", 0, pytest.approx(0.25))]
    assert found.best[0].iou == pytest.approx((1 + 1 + 8 / 9) / 3)
    assert found.best[0].label == "ring ~ bell"


def test_pictures_of_a_gated_evaluation_show_what_was_scored():
    """In silence, masks are empty and no examples are shown."""
    clip = make_clip("a", rows(16, 16), rows(16, 0))
    (example,) = gallery_of([clip], gated=True).best
    panels = {title: picture(uri).astype(int) for title, _, uri in example.panels}
    assert example.frame_iou == 0 and np.abs(panels["prediction"] - panels["frame"]).max() < 12
    assert not gallery_of([clip], gated=True).false_positives and gallery_of([clip]).false_positives


def test_pictures_show_truth_and_prediction():
    (example,) = gallery_of([make_clip("a", rows(16, 0), rows(8, 0))]).best
    panels = {title: picture(uri).astype(int) for title, _, uri in example.panels}
    assert list(panels) == ["frame", "truth", "prediction"]  # this network has no CCAM
    assert len(example.strip) == 2
    painted, spared = panels["prediction"][60, 80], panels["prediction"][140, 80]
    assert painted[0] > painted[2] + 50  # orange
    assert spared.max() < 30
    assert panels["truth"][20, 80].min() > 225
    assert panels["truth"][60, 80].max() < 100
    assert panels["frame"][60, 80].min() > 225


def test_ccam_is_shown_with_its_range():
    clip = make_clip("a", rows(8, 8), rows(8, 8), snippets=np.zeros((2, 32000), np.float32))
    (example,) = gallery_of([clip], make_tiny_model()).best
    titles = [(title, span) for title, span, _ in example.panels]
    assert [title for title, _ in titles[3:]] == ["attention", "with label"]
    low, high = map(float, titles[3][1].split(" to "))
    assert 0 < low <= high < 1
