"""Choose a threshold on the presence score: reliability, ROC, and the operating point for a maximum rate of false masks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SECONDS_PER_HOUR = 3600
BINS = 10


@dataclass(frozen=True)
class Outcomes:
    """Results for n seconds.

    `score` float (n,) in [0, 1], 0 if a mask is never published; `in_view` bool (n,): the source of the sound is in view; `right`
    bool (n,): it is also named correctly.
    """

    score: np.ndarray
    in_view: np.ndarray
    right: np.ndarray


@dataclass(frozen=True)
class OperatingPoint:
    """Error rates at a threshold: false masks per hour of seconds in which nothing in view sounds; `found`, the fraction of the
    other seconds with a mask under the right name; `precision`, the fraction of masks under the right name (None without
    masks)."""

    threshold: float
    false_masks_per_hour: float
    found: float
    precision: float | None


def operating_point(outcomes: Outcomes, threshold: float) -> OperatingPoint:
    """Compute the error rates at a threshold. Raises ValueError unless there are seconds with and without a source in view."""
    _check(outcomes)
    published = outcomes.score >= threshold
    return OperatingPoint(
        threshold=threshold,
        false_masks_per_hour=SECONDS_PER_HOUR * float(published[~outcomes.in_view].mean()),
        found=float((published & outcomes.right)[outcomes.in_view].mean()),
        precision=float(outcomes.right[published].mean()) if published.any() else None,
    )


def roc(outcomes: Outcomes) -> list[OperatingPoint]:
    """Return the operating points of all different thresholds, the highest (nothing is published) first."""
    scores = np.unique(outcomes.score[outcomes.score > 0])[::-1]
    return [operating_point(outcomes, threshold) for threshold in (np.nextafter(1.0, 2.0), *scores.tolist())]


def choose_threshold(outcomes: Outcomes, false_masks_per_hour: float) -> float:
    """Choose the lowest threshold, rounded up to a hundredth, with at most so many false masks per hour; 1 if there is none.

    Raises:
        ValueError: no second with, or none without, a source in view; or a negative number of false masks.
    """
    if not false_masks_per_hour >= 0:
        raise ValueError(f"false masks per hour must be 0 or more, got {false_masks_per_hour}")
    hundredths = [number / 100 for number in range(1, 101)]
    points = (operating_point(outcomes, threshold) for threshold in hundredths)
    return next((point.threshold for point in points if point.false_masks_per_hour <= false_masks_per_hour), 1.0)


def reliability(outcomes: Outcomes, bins: int = BINS) -> list[tuple[float, float, int]]:
    """Return (mean score, fraction named correctly, count) for each non-empty bin of scores above 0."""
    bin_of = np.minimum((outcomes.score * bins).astype(int), bins - 1)
    members = [(bin_of == number) & (outcomes.score > 0) for number in range(bins)]
    return [
        (float(outcomes.score[m].mean()), float(outcomes.right[m].mean()), int(m.sum())) for m in members if m.any()
    ]


def _check(outcomes: Outcomes) -> None:
    if outcomes.in_view.all() or not outcomes.in_view.any():
        missing = "nothing in view sounds" if outcomes.in_view.all() else "the source of the sound is in view"
        raise ValueError(f"thresholds cannot be fitted: the data has no second in which {missing}; add some")
