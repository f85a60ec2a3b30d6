"""AVSBench's region metric. Count first, reduce later: `count` keeps one row of whole numbers a frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

EPSILON = 1e-7  # AVSBench's


@dataclass(frozen=True)
class MaskCounts:
    """Pixels of each of N frames, int64 (N,): true and false positives, false and true negatives."""

    true_positive: np.ndarray
    false_positive: np.ndarray
    false_negative: np.ndarray
    true_negative: np.ndarray

    @staticmethod
    def join(parts: list[MaskCounts]) -> MaskCounts:
        columns = ("true_positive", "false_positive", "false_negative", "true_negative")
        return MaskCounts(*(np.concatenate([getattr(part, column) for part in parts]) for column in columns))

    @property
    def empty_truth(self) -> np.ndarray:
        """bool (N,): frames in which nothing that sounds is in view."""
        return (self.true_positive + self.false_negative) == 0


def count(predicted: np.ndarray, truth: np.ndarray) -> MaskCounts:
    """Count two stacks of masks, bool (N, H, W). Raises ValueError where their shapes differ."""
    if predicted.shape != truth.shape or predicted.ndim != 3:
        raise ValueError(f"expected two mask stacks of one shape (N, H, W), got {predicted.shape} and {truth.shape}")
    pairs = ((predicted, truth), (predicted, ~truth), (~predicted, truth), (~predicted, ~truth))
    return MaskCounts(*(np.count_nonzero(a & b, axis=(1, 2)) for a, b in pairs))


def frame_iou(counts: MaskCounts) -> np.ndarray:
    """J of each frame, float (N,): intersection over union; where the truth is empty, the fraction of the picture that
    is rightly left empty (AVSBench's rule)."""
    union = counts.true_positive + counts.false_positive + counts.false_negative
    pixels = union + counts.true_negative
    empty = counts.empty_truth
    return np.where(empty, counts.true_negative, counts.true_positive) / (np.where(empty, pixels, union) + EPSILON)


def mean_iou(counts: MaskCounts) -> float:
    """mIoU over all frames, each weighing the same. (AVSBench averages batch means, which differs in the last batch.)"""
    return float(frame_iou(counts).mean())


def false_positive_area(counts: MaskCounts) -> float:
    """Mean fraction of the picture painted in frames whose truth is empty; NaN if there is no such frame."""
    empty = counts.empty_truth
    if not empty.any():
        return float("nan")
    pixels = counts.false_positive + counts.true_negative
    return float((counts.false_positive[empty] / pixels[empty]).mean())
