"""AVSBench's two metrics, mIoU (J) and F-score, in two variants.

| variant | mIoU | F-score |
|---|---|---|
| official | mean over *batches* of the mean over a batch's frames | mean over batches of the maximum of the mean F curve |
| batch-independent | mean over frames | maximum F of the precision and recall averaged over all frames |

The official variant is what AVSBench's code computes and papers report. It depends on the batch size, which should therefore
be reported with it: smaller batches have higher maxima, but more batches without any truth, which count as 0. Frames whose
truth is empty have a separate definition of IoU (`frame_iou`) and no F-score.

`count` and `count_thresholds` compute integer counts per frame; the metrics are computed from these counts.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np
import torch

EPSILON = 1e-7  # in the IoU, as in AVSBench
TINY = 1e-20  # in precision and recall, as in AVSBench
BETA_SQUARED = 0.3  # precision has more weight than recall
MASK_THRESHOLD = 0.5  # pixels with a higher probability belong to the mask
# float32 (255,), from 0 to 1. Computed by torch as in AVSBench, because rounding decides ties. The end rounds to 1.
THRESHOLDS = torch.linspace(0, 1 - 1e-10, 255).numpy()

Rows = TypeVar("Rows", bound="_FrameRows")


class _FrameRows:
    """Base of dataclasses of arrays with one row per frame."""

    @classmethod
    def join(cls: type[Rows], parts: list[Rows]) -> Rows:
        """Concatenate the rows of all parts."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))

    def select(self: Rows, index: np.ndarray) -> Rows:
        """Select rows by any array index."""
        return type(self)(*(getattr(self, field.name)[index] for field in fields(self)))


@dataclass(frozen=True)
class MaskCounts(_FrameRows):
    """Pixel counts of N frames, int64 (N,)."""

    true_positive: np.ndarray
    false_positive: np.ndarray
    false_negative: np.ndarray
    true_negative: np.ndarray

    @property
    def empty_truth(self) -> np.ndarray:
        """Frames without a sounding object in view, bool (N,)."""
        return (self.true_positive + self.false_negative) == 0


@dataclass(frozen=True)
class ThresholdCounts(_FrameRows):
    """Pixel counts of N frames at the 255 `THRESHOLDS`, int64 (N, 255).

    `predicted` counts pixels whose probability is at least the threshold, `true_positive` those of them in the truth.
    """

    predicted: np.ndarray
    true_positive: np.ndarray

    @property
    def truth(self) -> np.ndarray:
        """Number of pixels in the truth, int64 (N,); all of them pass the threshold 0."""
        return self.true_positive[:, 0]


def count(predicted: np.ndarray, truth: np.ndarray) -> MaskCounts:
    """Count the pixels of masks bool (N, H, W). Raises ValueError if the shapes differ."""
    _check_shapes(predicted, truth)
    pairs = ((predicted, truth), (predicted, ~truth), (~predicted, truth), (~predicted, ~truth))
    return MaskCounts(*(np.count_nonzero(a & b, axis=(1, 2)) for a, b in pairs))


def count_thresholds(probabilities: np.ndarray, truth: np.ndarray) -> ThresholdCounts:
    """Count pixels of probabilities float32 (N, H, W) against masks bool (N, H, W) at every threshold.

    Sorts each pixel into a histogram over thresholds and sums it up from the top. Raises ValueError if the shapes differ or a
    probability is outside [0, 1] or NaN.
    """
    _check_shapes(probabilities, truth)
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise ValueError("expected probabilities in [0, 1], got values outside, or NaN; apply a sigmoid to logits")
    passed = np.searchsorted(THRESHOLDS, probabilities.astype(np.float32, copy=False), side="right")
    bins = len(THRESHOLDS) + 1
    predicted, true_positive = [], []
    for frame, mask in zip(passed, truth):
        for pixels, rows in ((frame.ravel(), predicted), (frame[mask], true_positive)):
            rows.append(np.bincount(pixels, minlength=bins)[:0:-1].cumsum()[::-1])
    shape = (len(truth), len(THRESHOLDS))
    return ThresholdCounts(*(np.array(rows, np.int64).reshape(shape) for rows in (predicted, true_positive)))


def frame_iou(counts: MaskCounts) -> np.ndarray:
    """Compute J of each frame, float (N,): the IoU, or the fraction of correctly empty pixels if the truth is empty.

    The rule for empty truth is AVSBench's.
    """
    union = counts.true_positive + counts.false_positive + counts.false_negative
    pixels = union + counts.true_negative
    empty = counts.empty_truth
    return np.where(empty, counts.true_negative, counts.true_positive) / (np.where(empty, pixels, union) + EPSILON)


def mean_iou(counts: MaskCounts) -> float:
    """Compute the batch-independent mIoU, the mean over all frames; NaN without frames."""
    return float(frame_iou(counts).mean()) if len(counts.true_positive) else float("nan")


def official_miou(counts: MaskCounts, batches: np.ndarray) -> float:
    """Compute the mean over batches of the mean IoU of a batch's frames.

    `batches` int (N,) is each frame's batch; a smaller last batch has the same weight as a full one.
    """
    ious = frame_iou(counts)
    return float(np.mean([ious[batches == batch].mean() for batch in np.unique(batches)]))


def precision_recall(counts: ThresholdCounts) -> tuple[np.ndarray, np.ndarray]:
    """Compute precision and recall of each frame at each threshold, float (N, 255); both are 0 without predicted pixels."""
    precision = counts.true_positive / (counts.predicted + TINY)
    return precision, counts.true_positive / (counts.truth[:, None] + TINY)


def f_measure(precision: np.ndarray, recall: np.ndarray) -> np.ndarray:
    """Compute (1 + b) P R / (b P + R) with b = beta squared = 0.3; 0 if precision and recall are 0."""
    product, total = (1 + BETA_SQUARED) * precision * recall, BETA_SQUARED * precision + recall
    return np.divide(product, total, out=np.zeros_like(product), where=total > 0)


def frame_fscore(counts: ThresholdCounts) -> np.ndarray:
    """Compute F of each frame at its best threshold, float (N,); NaN if the truth is empty."""
    return np.where(counts.truth > 0, f_measure(*precision_recall(counts)).max(axis=1), np.nan)


def official_fscore(counts: ThresholdCounts, batches: np.ndarray) -> float:
    """Compute the mean over batches of the maximum of a batch's F curve.

    The F curve of a batch is the mean over its frames whose truth is not empty; a batch without any counts as 0. `batches` is
    as in `official_miou`.
    """
    curves, sounding = f_measure(*precision_recall(counts)), counts.truth > 0
    rows = ((batches == batch) & sounding for batch in np.unique(batches))
    return float(np.mean([curves[row].mean(axis=0).max() if row.any() else 0.0 for row in rows]))


@dataclass(frozen=True)
class Curves:
    """Means over all frames with non-empty truth at the `THRESHOLDS`, float (255,); `fscore` is F of the two means."""

    precision: np.ndarray
    recall: np.ndarray
    fscore: np.ndarray


def mean_curves(counts: ThresholdCounts) -> Curves | None:
    """Compute the curves whose maximum is the batch-independent F-score; None if every truth is empty."""
    sounding = counts.select(counts.truth > 0)
    if not len(sounding.truth):
        return None
    precision, recall = (part.mean(axis=0) for part in precision_recall(sounding))
    return Curves(precision, recall, f_measure(precision, recall))


def false_positive_rate(counts: MaskCounts) -> float:
    """Compute the fraction of empty-truth frames with any predicted pixel; NaN without such frames."""
    empty = counts.empty_truth
    return float((counts.false_positive[empty] > 0).mean()) if empty.any() else float("nan")


def false_positive_area(counts: MaskCounts) -> float:
    """Compute the mean fraction of predicted pixels in empty-truth frames; NaN without such frames."""
    empty = counts.empty_truth
    if not empty.any():
        return float("nan")
    pixels = counts.false_positive + counts.true_negative
    return float((counts.false_positive[empty] / pixels[empty]).mean())


def _check_shapes(predicted: np.ndarray, truth: np.ndarray) -> None:
    if predicted.shape != truth.shape or predicted.ndim != 3:
        raise ValueError(f"expected two arrays of the same shape (N, H, W), got {predicted.shape} and {truth.shape}")
