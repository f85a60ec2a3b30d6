"""Fit `network.mask_quality` to validation clips: which IoU is to be expected of a mask?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from c3n_model.network.mask_quality import MaskQuality

FOLDS = 5
INVERSE_PENALTY = 0.3  # of the standardised evidence
FEWEST = 10  # masks with, and without a source in view


@dataclass(frozen=True)
class FittedQuality:
    """`quality`, and the expected IoU float (n,) of all seconds, each by a regression that did not learn from its clip."""

    quality: MaskQuality
    out_of_fold: np.ndarray


def fit_quality(
    evidence: np.ndarray, learnable: np.ndarray, in_view: np.ndarray, iou: np.ndarray, clip: np.ndarray
) -> FittedQuality | None:
    """Fit a logistic regression of the IoU to the seconds marked in `learnable`.

    Args:
        evidence: float (n, 2), see `network.mask_quality`; learnable, in_view: bool (n,); iou: float (n,), of no account unless in view;
        clip: int (n,), seconds of one clip are in one fold.
    Returns None with fewer than FEWEST masks of either kind, or if no mask overlaps what sounds.
    """
    target = np.where(in_view, iou, 0.0)
    if min((learnable & in_view).sum(), (learnable & ~in_view).sum()) < FEWEST:
        return None
    out_of_fold = np.zeros(len(evidence))
    for fold in range(FOLDS):
        held = clip % FOLDS == fold
        known = learnable & ~held
        if not 0 < target[known].sum() < known.sum():
            return None
        weight, bias = _regress(evidence[known], target[known])
        out_of_fold[held] = 1 / (1 + np.exp(-(evidence[held] @ weight + bias)))
    weight, bias = _regress(evidence[learnable], target[learnable])
    quality = MaskQuality()
    quality.weight.copy_(torch.from_numpy(weight))
    quality.bias.fill_(bias)
    quality.plain_view.copy_(torch.from_numpy(np.median(evidence[learnable & in_view], axis=0)))
    return FittedQuality(quality, out_of_fold)


def _regress(evidence: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, float]:
    """Return weight (2,) and bias for the evidence as it is; each second counts as a success by its IoU, and a failure by the rest."""
    mean, deviation = evidence.mean(axis=0), evidence.std(axis=0).clip(1e-3)
    rows = np.concatenate([(evidence - mean) / deviation] * 2)
    outcome = np.repeat([1, 0], len(target))
    model = LogisticRegression(C=INVERSE_PENALTY, max_iter=1000)
    model.fit(rows, outcome, sample_weight=np.concatenate([target, 1 - target]))
    weight = model.coef_[0] / deviation
    return weight, float(model.intercept_[0] - weight @ mean)
