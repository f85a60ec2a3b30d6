"""Fit `network.in_view`: on validation clips, of which mask is what is heard in view?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from c3n_model.network.in_view import InView

FOLDS = 5
INVERSE_PENALTY = 0.1  # of the standardised evidence
FEWEST = 10  # masks of either kind


@dataclass(frozen=True)
class FittedInView:
    """`in_view`, and the probabilities float (n,) of all seconds, each by a regression that did not learn from its clip."""

    in_view: InView
    out_of_fold: np.ndarray


def fit_in_view(
    evidence: np.ndarray, learnable: np.ndarray, in_view: np.ndarray, clip: np.ndarray
) -> FittedInView | None:
    """Fit a logistic regression to the seconds marked in `learnable`; None with fewer than FEWEST of them of either kind.

    Args:
        evidence: float (n, 5), see `network.in_view`; learnable, in_view: bool (n,); clip: int (n,), seconds of one clip are in one fold.
    """
    right, wrong = learnable & in_view, learnable & ~in_view
    if min(right.sum(), wrong.sum()) < FEWEST:
        return None
    out_of_fold = np.zeros(len(evidence))
    for fold in range(FOLDS):
        held = clip % FOLDS == fold
        known = learnable & ~held
        if len(np.unique(in_view[known])) < 2:
            return None
        weight, bias = _regress(evidence[known], in_view[known])
        out_of_fold[held] = 1 / (1 + np.exp(-(evidence[held] @ weight + bias)))
    weight, bias = _regress(evidence[learnable], in_view[learnable])
    fitted = InView()
    fitted.weight.copy_(torch.from_numpy(weight))
    fitted.bias.fill_(bias)
    fitted.plain_view.copy_(torch.from_numpy(np.median(evidence[right], axis=0)))
    return FittedInView(fitted, out_of_fold)


def _regress(evidence: np.ndarray, in_view: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the weight (5,) and bias of the evidence as it is."""
    mean, deviation = evidence.mean(axis=0), evidence.std(axis=0).clip(1e-3)
    model = LogisticRegression(C=INVERSE_PENALTY, max_iter=1000).fit((evidence - mean) / deviation, in_view)
    weight = model.coef_[0] / deviation
    return weight, float(model.intercept_[0] - weight @ mean)
