"""Confidence intervals of means over independent values (clips, pictures; not frames of one clip)."""

from __future__ import annotations

import numpy as np
from scipy import stats

_INDICES_AT_ONCE = 2**24  # held in memory: 128 MiB


def mean_interval(values: np.ndarray, samples: int = 10_000, seed: int = 0) -> tuple[float, float] | None:
    """Return the 95 % percentile bootstrap interval of the mean of `values` (n,), from `samples` resamples.

    Of differences it is the paired bootstrap. None for fewer than two values, which have no interval.
    """
    if len(values) < 2:
        return None
    interval = stats.bootstrap(
        (values,), np.mean, n_resamples=samples, method="percentile", rng=np.random.default_rng(seed),
        batch=max(_INDICES_AT_ONCE // len(values), 1),
    ).confidence_interval  # fmt: skip
    return float(interval.low), float(interval.high)


def grouped_mean_interval(
    values: np.ndarray, groups: np.ndarray, samples: int = 10_000, seed: int = 0
) -> tuple[float, float] | None:
    """95 % interval of the mean of `values` (n,) where those of one of the `groups` (n,) depend on each other: scenes of one
    picture, frames of one clip. Groups are drawn with replacement, each with all its values. None for fewer than two groups.
    """
    names, index = np.unique(groups, return_inverse=True)
    if len(names) < 2:
        return None
    sums, counts = np.bincount(index, values), np.bincount(index)
    draws = np.random.default_rng(seed).integers(0, len(names), (samples, len(names)))
    low, high = np.percentile(sums[draws].sum(axis=1) / counts[draws].sum(axis=1), [2.5, 97.5])
    return float(low), float(high)
