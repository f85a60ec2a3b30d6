"""Both metrics in both variants, against hand-computed cases and a naive, independent version of AVSBench's rules."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from c3n_model.scoring.metrics import (
    THRESHOLDS,
    MaskCounts,
    ThresholdCounts,
    count,
    count_thresholds,
    false_positive_area,
    false_positive_rate,
    frame_fscore,
    frame_iou,
    mean_curves,
    mean_iou,
    official_fscore,
    official_miou,
)

TRUTH = np.array([[[1, 1], [0, 0]]], bool)
EMPTY = np.zeros((1, 2, 2), bool)
HALF = np.array([[[1, 0], [1, 0]]], bool)


@pytest.mark.parametrize(
    ("predicted", "truth", "expected"),
    [
        (TRUTH, TRUTH, 1.0),
        (~TRUTH, TRUTH, 0.0),
        (HALF, TRUTH, 1 / 3),
        (EMPTY, EMPTY, 1.0),
        (TRUTH, EMPTY, 0.5),  # half of the picture is rightly left empty
        (~EMPTY, EMPTY, 0.0),
        (EMPTY, TRUTH, 0.0),
    ],
)
def test_iou_by_hand(predicted, truth, expected):
    assert mean_iou(count(predicted, truth)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("probabilities", "truth", "expected"),
    [
        (TRUTH, TRUTH, 1.0),
        (~TRUTH, TRUTH, 1.3 * 0.5 / (0.3 * 0.5 + 1)),  # inverted: best is to take everything, at the threshold 0
        (HALF, TRUTH, 1.3 * 0.5 / (0.3 * 0.5 + 1)),  # precision 1/2; more recall at the threshold 0 costs none of it
        (0 * TRUTH, TRUTH, 1.3 * 0.5 / (0.3 * 0.5 + 1)),
        ([[[0.9, 0.4], [0.6, 0]]], TRUTH, 1.3 / (0.3 + 0.5) * 0.5),  # only the surest pixel: P = 1, R = 1/2
    ],
)
def test_fscore_by_hand(probabilities, truth, expected):
    counts = count_thresholds(np.array(probabilities, np.float32), truth)
    assert frame_fscore(counts) == pytest.approx([expected], abs=1e-6)
    assert official_fscore(counts, np.zeros(1)) == pytest.approx(expected, abs=1e-6)
    assert mean_curves(counts).fscore.max() == pytest.approx(expected, abs=1e-6)


def test_nothing_to_average():
    empty = count_thresholds(EMPTY.astype(np.float32), EMPTY)
    assert np.isnan(frame_fscore(empty)).all()
    assert mean_curves(empty) is None
    assert official_fscore(empty, np.zeros(1)) == 0
    assert np.isnan(mean_iou(count(EMPTY[:0], EMPTY[:0])))


def test_official_fscore_depends_on_the_batch_and_the_other_form_does_not():
    # Frame 0 is right at high thresholds only, frame 1 at low ones only.
    truth = np.concatenate([TRUTH, TRUTH])
    probabilities = np.array([[[0.9, 0.9], [0.8, 0.8]], [[0.1, 0.1], [0, 0]]], np.float32)
    counts = count_thresholds(probabilities, truth)
    everything = 1.3 * 0.5 / (0.3 * 0.5 + 1)
    assert official_fscore(counts, np.array([0, 1])) == pytest.approx(1)
    assert official_fscore(counts, np.array([0, 0])) == pytest.approx((1 + everything) / 2)
    precision, recall = 3 / 4, 1  # at 0.05: everything of frame 0, the truth of frame 1
    assert mean_curves(counts).fscore.max() == pytest.approx(1.3 * precision * recall / (0.3 * precision + recall))


def test_short_last_batch_weighs_as_much_as_a_full_one():
    counts = count(np.concatenate([TRUTH, TRUTH, ~TRUTH]), np.concatenate([TRUTH] * 3))
    assert mean_iou(counts) == pytest.approx(2 / 3)
    assert official_miou(counts, np.array([0, 0, 1])) == pytest.approx(1 / 2)
    assert official_miou(counts, np.array([0, 1, 2])) == pytest.approx(2 / 3)


def test_batch_without_a_truth_counts_as_an_fscore_of_zero():
    truth = np.concatenate([TRUTH, EMPTY])
    counts = count_thresholds(truth.astype(np.float32), truth)
    assert official_fscore(counts, np.array([0, 1])) == 0.5
    assert official_fscore(counts, np.array([0, 0])) == 1


def naive_iou(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Score one frame, pixel by pixel."""
    inter = union = background = 0
    for p, t in zip(predicted.flat, truth.flat, strict=True):
        inter += p and t
        union += p or t
        background += not p and not t
    return inter / (union + 1e-7) if truth.any() else background / (truth.size + 1e-7)


def naive_official(probabilities: np.ndarray, truth: np.ndarray, batch: int) -> tuple[float, float]:
    """Compute mIoU and F-score of frames in batches, in float32 and with 255 comparisons per frame."""
    thresholds = torch.linspace(0, 1 - 1e-10, 255)
    mious, fscores = [], []
    for start in range(0, len(truth), batch):
        part = list(zip(probabilities[start : start + batch], truth[start : start + batch], strict=True))
        mious.append(sum(naive_iou(p > 0.5, t) for p, t in part) / len(part))
        curves = []
        for frame, mask in part:
            if not mask.any():
                continue
            curve, target = [], torch.from_numpy(mask).float()
            for threshold in thresholds:
                painted = (torch.from_numpy(frame) >= threshold).float()
                right = (painted * target).sum()
                precision, recall = right / (painted.sum() + 1e-20), right / (target.sum() + 1e-20)
                f = (1.3 * precision * recall / (0.3 * precision + recall)).item()
                curve.append(0.0 if f != f else f)
            curves.append(curve)
        fscores.append(max(sum(column) / len(curves) for column in zip(*curves, strict=True)) if curves else 0.0)
    return sum(mious) / len(mious), sum(fscores) / len(fscores)


DEGENERATE = st.sampled_from([0.0, 1.0, 0.5, *map(float, THRESHOLDS[[1, 127, 253]])])
PROBABILITY = st.one_of(DEGENERATE, st.floats(0, 1, width=32))


@settings(max_examples=30)
@given(data=st.data(), frames=st.integers(1, 4), batch=st.integers(1, 3))
def test_equals_the_naive_form(data, frames, batch):
    shape = (frames, 3, 4)
    probabilities = data.draw(arrays.arrays(np.float32, shape, elements=PROBABILITY))
    truth = data.draw(arrays.arrays(bool, shape))
    truth[data.draw(st.integers(0, frames)) :] = False
    batches = np.arange(frames) // batch
    found = (
        official_miou(count(probabilities > 0.5, truth), batches),
        official_fscore(count_thresholds(probabilities, truth), batches),
    )
    assert found == pytest.approx(naive_official(probabilities, truth, batch), abs=1e-6)


def test_thresholds_are_counted_as_compared_one_by_one():
    random = np.random.default_rng(0)
    probabilities, truth = random.random((3, 20, 30), np.float32), random.random((3, 20, 30)) < 0.3
    probabilities[0, 0] = THRESHOLDS[100:130]  # equal to a threshold passes it
    counts = count_thresholds(probabilities, truth)
    for index, threshold in enumerate(THRESHOLDS):
        painted = probabilities >= threshold
        assert counts.predicted[:, index].tolist() == painted.sum(axis=(1, 2)).tolist()
        assert counts.true_positive[:, index].tolist() == (painted & truth).sum(axis=(1, 2)).tolist()
    assert counts.truth.tolist() == truth.sum(axis=(1, 2)).tolist()


def test_equals_naive_on_random_masks():
    random = np.random.default_rng(0)
    predicted, truth = random.random((20, 6, 7)) < 0.4, random.random((20, 6, 7)) < 0.3
    truth[::4] = False
    expected = [naive_iou(p, t) for p, t in zip(predicted, truth, strict=True)]
    assert frame_iou(count(predicted, truth)) == pytest.approx(expected, abs=1e-9)


def test_false_positives_look_at_empty_truth_only():
    counts = MaskCounts.join([count(TRUTH, EMPTY), count(~EMPTY, TRUTH), count(EMPTY, EMPTY)])
    assert false_positive_area(counts) == pytest.approx(0.25)
    assert false_positive_rate(counts) == pytest.approx(0.5)
    assert np.isnan(false_positive_area(count(TRUTH, TRUTH)))
    assert np.isnan(false_positive_rate(count(TRUTH, TRUTH)))


def test_join_and_select_keep_rows_together():
    random = np.random.default_rng(0)
    probabilities, truth = random.random((4, 5, 6), np.float32), random.random((4, 5, 6)) < 0.3
    whole = count_thresholds(probabilities, truth)
    parts = [count_thresholds(probabilities[:1], truth[:1]), count_thresholds(probabilities[1:], truth[1:])]
    assert np.array_equal(ThresholdCounts.join(parts).predicted, whole.predicted)
    assert np.array_equal(whole.select(np.array([2])).true_positive, whole.true_positive[2:3])


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"shape \(N, H, W\)"):
        count(TRUTH, TRUTH[:, :1])
    with pytest.raises(ValueError, match=r"shape \(N, H, W\)"):
        count_thresholds(TRUTH.astype(np.float32), TRUTH[0])


@pytest.mark.parametrize("value", [np.nan, -0.1, 1.5])
def test_values_outside_0_to_1_are_refused(value):
    with pytest.raises(ValueError, match=r"probabilities in \[0, 1\]"):
        count_thresholds(np.full((1, 2, 2), value, np.float32), TRUTH)
