"""AVSBench's two metrics, mIoU (J) and F-score, in two honest forms. Count first, reduce later: `count` and
`count_thresholds` keep a row of whole numbers a frame.

| form | mIoU | F-score |
|---|---|---|
| official | mean over *batches* of the mean over a batch's frames | F curve averaged over a batch's frames, its maximum; the mean over batches |
| batch-independent | mean over frames | precision and recall averaged over all frames, F of these, one maximum |

The official form is what AVSBench's code computes and what papers print. It depends on the batch size, which therefore
belongs beside the number: smaller batches have higher maxima, but more of them are without any truth, which counts as 0. Frames
whose truth is empty have an IoU of their own (`frame_iou`) and no F-score.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np
import torch

EPSILON = 1e-7  # AVSBench's, in IoU
TINY = 1e-20  # AVSBench's, in precision and recall
BETA_SQUARED = 0.3  # precision weighs more than recall
MASK_THRESHOLD = 0.5  # a pixel of the mask is more probable than this
# float32 (255,), from 0 to 1: torch's, because a last bit decides on which side a probability falls. The end rounds to 1.
THRESHOLDS = torch.linspace(0, 1 - 1e-10, 255).numpy()

Rows = TypeVar("Rows", bound="_FrameRows")


class _FrameRows:
    """Dataclasses of arrays with a row a frame."""

    @classmethod
    def join(cls: type[Rows], parts: list[Rows]) -> Rows:
        """The rows of all parts, in their order."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))

    def select(self: Rows, index: np.ndarray) -> Rows:
        """The rows at `index`, whatever an array takes."""
        return type(self)(*(getattr(self, field.name)[index] for field in fields(self)))


@dataclass(frozen=True)
class MaskCounts(_FrameRows):
    """Pixels of each of N frames, int64 (N,): true and false positives, false and true negatives."""

    true_positive: np.ndarray
    false_positive: np.ndarray
    false_negative: np.ndarray
    true_negative: np.ndarray

    @property
    def empty_truth(self) -> np.ndarray:
        """bool (N,): frames in which nothing that sounds is in view."""
        return (self.true_positive + self.false_negative) == 0


@dataclass(frozen=True)
class ThresholdCounts(_FrameRows):
    """Pixels of each of N frames at each of the 255 `THRESHOLDS`, int64 (N, 255): `predicted` are at least as probable as
    the threshold, `true_positive` are those of them that belong to the truth."""

    predicted: np.ndarray
    true_positive: np.ndarray

    @property
    def truth(self) -> np.ndarray:
        """int64 (N,): pixels of the truth; the threshold 0 takes them all."""
        return self.true_positive[:, 0]


def count(predicted: np.ndarray, truth: np.ndarray) -> MaskCounts:
    """Count two stacks of masks, bool (N, H, W). Raises ValueError where their shapes differ."""
    _check_shapes(predicted, truth)
    pairs = ((predicted, truth), (predicted, ~truth), (~predicted, truth), (~predicted, ~truth))
    return MaskCounts(*(np.count_nonzero(a & b, axis=(1, 2)) for a, b in pairs))


def count_thresholds(probabilities: np.ndarray, truth: np.ndarray) -> ThresholdCounts:
    """Count probabilities float32 (N, H, W) against masks bool (N, H, W). Every pixel is sorted between two thresholds once,
    and sums from above do the rest. Raises ValueError where shapes differ or a probability is outside [0, 1] or NaN."""
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
    """J of each frame, float (N,): intersection over union; where the truth is empty, the fraction of the picture that
    is rightly left empty (AVSBench's rule)."""
    union = counts.true_positive + counts.false_positive + counts.false_negative
    pixels = union + counts.true_negative
    empty = counts.empty_truth
    return np.where(empty, counts.true_negative, counts.true_positive) / (np.where(empty, pixels, union) + EPSILON)


def mean_iou(counts: MaskCounts) -> float:
    """Batch-independent mIoU: over all frames, each weighing the same. NaN without frames."""
    return float(frame_iou(counts).mean()) if len(counts.true_positive) else float("nan")


def official_miou(counts: MaskCounts, batches: np.ndarray) -> float:
    """The mean over batches of the mean IoU of a batch's frames. `batches` int (N,) tells each frame's batch; a short last
    batch weighs as much as a full one."""
    ious = frame_iou(counts)
    return float(np.mean([ious[batches == batch].mean() for batch in np.unique(batches)]))


def precision_recall(counts: ThresholdCounts) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall of each frame at each threshold, float (N, 255). Without a predicted pixel both are 0."""
    precision = counts.true_positive / (counts.predicted + TINY)
    return precision, counts.true_positive / (counts.truth[:, None] + TINY)


def f_measure(precision: np.ndarray, recall: np.ndarray) -> np.ndarray:
    """(1 + b) P R / (b P + R) with b = beta squared = 0.3; 0 where precision and recall are."""
    product, total = (1 + BETA_SQUARED) * precision * recall, BETA_SQUARED * precision + recall
    return np.divide(product, total, out=np.zeros_like(product), where=total > 0)


def frame_fscore(counts: ThresholdCounts) -> np.ndarray:
    """F of each frame at the threshold that is best for it, float (N,); NaN where the truth is empty."""
    return np.where(counts.truth > 0, f_measure(*precision_recall(counts)).max(axis=1), np.nan)


def official_fscore(counts: ThresholdCounts, batches: np.ndarray) -> float:
    """The mean over batches of the maximum of a batch's F curve, which is the mean of those of its frames with a truth; a
    batch that has none counts as 0. `batches` as in `official_miou`."""
    curves, sounding = f_measure(*precision_recall(counts)), counts.truth > 0
    rows = ((batches == batch) & sounding for batch in np.unique(batches))
    return float(np.mean([curves[row].mean(axis=0).max() if row.any() else 0.0 for row in rows]))


@dataclass(frozen=True)
class Curves:
    """Means over all frames with a truth at each of `THRESHOLDS`, float (255,); `fscore` is F of the two means."""

    precision: np.ndarray
    recall: np.ndarray
    fscore: np.ndarray


def mean_curves(counts: ThresholdCounts) -> Curves | None:
    """The curves whose maximum is the batch-independent F-score; None where no frame has a truth."""
    sounding = counts.select(counts.truth > 0)
    if not len(sounding.truth):
        return None
    precision, recall = (part.mean(axis=0) for part in precision_recall(sounding))
    return Curves(precision, recall, f_measure(precision, recall))


def false_positive_rate(counts: MaskCounts) -> float:
    """Of the frames whose truth is empty the fraction in which the mask has any pixel; NaN if there is no such frame."""
    empty = counts.empty_truth
    return float((counts.false_positive[empty] > 0).mean()) if empty.any() else float("nan")


def false_positive_area(counts: MaskCounts) -> float:
    """Mean fraction of the picture painted in frames whose truth is empty; NaN if there is no such frame."""
    empty = counts.empty_truth
    if not empty.any():
        return float("nan")
    pixels = counts.false_positive + counts.true_negative
    return float((counts.false_positive[empty] / pixels[empty]).mean())


def _check_shapes(predicted: np.ndarray, truth: np.ndarray) -> None:
    if predicted.shape != truth.shape or predicted.ndim != 3:
        raise ValueError(f"expected two mask stacks of one shape (N, H, W), got {predicted.shape} and {truth.shape}")
