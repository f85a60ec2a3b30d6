"""Metrics of counted frames, computed by hand: three clips of full rows on images of 32 rows."""

import numpy as np
import pytest
import torch
from bright_model import Clips, make_bright_model, make_clip, rows

from c3n_model.progress import silent
from c3n_model.scoring.evaluate import evaluate


@pytest.fixture(scope="module")
def evaluation():
    clips = [
        make_clip("perfect", rows(8, 8), rows(8, 8), "bell"),
        make_clip("half", rows(16, 16), rows(8, 0), "fan"),  # IoU 1/2; half of an empty frame painted
        make_clip("quiet", rows(0), rows(0), "bell"),
    ]
    return evaluate(make_bright_model(), Clips(clips), torch.device("cpu"), silent)


HALF_F = 1.3 * 0.5 / (0.3 * 0.5 + 1)  # precision 1/2, recall 1


def test_summary_by_hand(evaluation):
    precision = (1 + 1 + 0.5) / 3
    assert evaluation.summary() == {
        "setting": "s4",
        "split": "test",
        "clips": 3,
        "frames": 5,
        "empty_frames": 2,
        "batch_independent": {
            "miou": pytest.approx((1 + 1 + 0.5 + 0.5 + 1) / 5),
            "fscore": pytest.approx(1.3 * precision / (0.3 * precision + 1)),
        },
        "official": {
            "miou": pytest.approx((1 + 0.5 + 1) / 3),
            "fscore": pytest.approx((1 + HALF_F + 0) / 3),
            "batch_size": 1,
        },
        "miou_sounding": pytest.approx((1 + 1 + 0.5) / 3),
        "false_positive_rate": 0.5,
        "false_positive_area": 0.25,
    }


def test_batches_are_of_clips_and_the_last_is_short(evaluation):
    official = evaluation.summary(batch_size=2)["official"]
    assert official["miou"] == pytest.approx(((1 + 1 + 0.5 + 0.5) / 4 + 1) / 2)
    assert official["fscore"] == pytest.approx(((1 + 1 + HALF_F) / 3 + 0) / 2)
    assert evaluation.summary(batch_size=100)["official"]["miou"] == pytest.approx(4 / 5)


def test_an_empty_batch_is_refused(evaluation):
    with pytest.raises(ValueError, match="batch size is 0;.* 1 clip"):
        evaluation.summary(batch_size=0)


def test_categories(evaluation):
    found = evaluation.by_category()
    assert list(found) == ["bell", "fan"]
    assert found["bell"] == {"clips": 2, "miou": pytest.approx(1), "fscore": pytest.approx(0.5)}
    assert found["fan"] == {"clips": 1, "miou": pytest.approx(0.5), "fscore": pytest.approx(HALF_F)}
    assert evaluation.by_category(batch_size=2)["bell"]["fscore"] == pytest.approx(1)


def test_clips_average_to_the_official_numbers_of_single_clips(evaluation):
    assert evaluation.clip_ious() == pytest.approx([1, 0.5, 1])
    assert evaluation.clip_fscores() == pytest.approx([1, HALF_F, 0])
    official = evaluation.summary()["official"]
    assert (official["miou"], official["fscore"]) == pytest.approx(
        (evaluation.clip_ious().mean(), evaluation.clip_fscores().mean())
    )


def test_nothing_to_average_is_none():
    clips = Clips([make_clip("a", rows(0, 4), rows(0, 0))], setting="ms3")
    found = evaluate(make_bright_model(), clips, torch.device("cpu"), silent)
    summary = found.summary()
    assert summary["batch_independent"] == {"miou": pytest.approx(1 - 1 / 16), "fscore": None}
    assert (summary["miou_sounding"], summary["official"]["fscore"]) == (None, 0)
    assert found.curves() is None
    assert found.by_category() == {}
    loud = evaluate(make_bright_model(), Clips([make_clip("a", rows(4), rows(4))]), torch.device("cpu"), silent)
    assert (loud.summary()["false_positive_rate"], loud.summary()["false_positive_area"]) == (None, None)


def test_curves_are_what_the_best_threshold_is_taken_from(evaluation):
    curves = evaluation.curves()
    assert curves.fscore.max() == evaluation.summary()["batch_independent"]["fscore"]
    assert (curves.recall[0], curves.precision[0]) == pytest.approx((1, np.mean([8, 8, 8]) / 32))
