"""mIoU against hand-computed cases and against an independent, naive form of AVSBench's rule."""

import numpy as np
import pytest

from c3n_model.metrics import MaskCounts, count, false_positive_area, frame_iou, mean_iou

TRUTH = np.array([[[1, 1], [0, 0]]], bool)
EMPTY = np.zeros((1, 2, 2), bool)


@pytest.mark.parametrize(
    ("predicted", "truth", "expected"),
    [
        (TRUTH, TRUTH, 1.0),
        (~TRUTH, TRUTH, 0.0),
        (np.array([[[1, 0], [1, 0]]], bool), TRUTH, 1 / 3),
        (EMPTY, EMPTY, 1.0),
        (TRUTH, EMPTY, 0.5),  # half of the picture is rightly left empty
        (~EMPTY, EMPTY, 0.0),
        (EMPTY, TRUTH, 0.0),
    ],
)
def test_iou_by_hand(predicted, truth, expected):
    assert mean_iou(count(predicted, truth)) == pytest.approx(expected, abs=1e-6)


def naive_iou(predicted: np.ndarray, truth: np.ndarray) -> float:
    """One frame, pixel by pixel."""
    inter = union = background = 0
    for p, t in zip(predicted.flat, truth.flat, strict=True):
        inter += p and t
        union += p or t
        background += not p and not t
    return inter / (union + 1e-7) if truth.any() else background / (truth.size + 1e-7)


def test_equals_naive_on_random_masks():
    random = np.random.default_rng(0)
    predicted, truth = random.random((20, 6, 7)) < 0.4, random.random((20, 6, 7)) < 0.3
    truth[::4] = False
    expected = [naive_iou(p, t) for p, t in zip(predicted, truth, strict=True)]
    assert frame_iou(count(predicted, truth)) == pytest.approx(expected, abs=1e-9)


def test_false_positive_area_looks_at_empty_truth_only():
    counts = MaskCounts.join([count(TRUTH, EMPTY), count(~EMPTY, TRUTH)])
    assert false_positive_area(counts) == pytest.approx(0.5)
    assert np.isnan(false_positive_area(count(TRUTH, TRUTH)))


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="one shape"):
        count(TRUTH, TRUTH[:, :1])
