"""From scores to a threshold: reliability, ROC, and the operating point with at most so many false masks an hour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SECONDS_PER_HOUR = 3600
BINS = 10


@dataclass(frozen=True)
class Judged:
    """Of n seconds: `score` float (n,) in [0, 1], 0 where a mask is never published; `in_view` bool (n,), whether what sounds is in
    view; `right` bool (n,), whether it is also named."""

    score: np.ndarray
    in_view: np.ndarray
    right: np.ndarray


@dataclass(frozen=True)
class OperatingPoint:
    """What a threshold gives: false masks per hour of seconds in which nothing in view sounds; `found`, the fraction of the
    others that get a mask under the right name; `precision`, the fraction of all masks that do (None without masks)."""

    threshold: float
    false_masks_per_hour: float
    found: float
    precision: float | None


def operating_point(judged: Judged, threshold: float) -> OperatingPoint:
    """Count what a threshold gives. Raises ValueError unless there are seconds of both kinds."""
    _check(judged)
    published = judged.score >= threshold
    return OperatingPoint(
        threshold=threshold,
        false_masks_per_hour=SECONDS_PER_HOUR * float(published[~judged.in_view].mean()),
        found=float((published & judged.right)[judged.in_view].mean()),
        precision=float(judged.right[published].mean()) if published.any() else None,
    )


def roc(judged: Judged) -> list[OperatingPoint]:
    """Return the points of all thresholds that differ, the highest (nothing is published) first."""
    scores = np.unique(judged.score[judged.score > 0])[::-1]
    return [operating_point(judged, threshold) for threshold in (np.nextafter(1.0, 2.0), *scores.tolist())]


def choose_threshold(judged: Judged, false_masks_per_hour: float) -> float:
    """Choose the lowest threshold, rounded up to a hundredth, with at most so many false masks an hour; 1 if there is none.

    Raises:
        ValueError: seconds of one kind only, or a negative number of false masks.
    """
    if not false_masks_per_hour >= 0:
        raise ValueError(f"false masks per hour must be 0 or more, got {false_masks_per_hour}")
    hundredths = [number / 100 for number in range(1, 101)]
    points = (operating_point(judged, threshold) for threshold in hundredths)
    return next((point.threshold for point in points if point.false_masks_per_hour <= false_masks_per_hour), 1.0)


def reliability(judged: Judged, bins: int = BINS) -> list[tuple[float, float, int]]:
    """Return for each bin of scores above 0 that is not empty: the mean score, the fraction that is right, and the count."""
    bin_of = np.minimum((judged.score * bins).astype(int), bins - 1)
    members = [(bin_of == number) & (judged.score > 0) for number in range(bins)]
    return [(float(judged.score[m].mean()), float(judged.right[m].mean()), int(m.sum())) for m in members if m.any()]


def _check(judged: Judged) -> None:
    if judged.in_view.all() or not judged.in_view.any():
        missing = "nothing in view sounds" if judged.in_view.all() else "what sounds is in view"
        raise ValueError(f"thresholds cannot be fitted: there is no second in which {missing}; add some to the data")
