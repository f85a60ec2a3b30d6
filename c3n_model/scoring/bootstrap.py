"""Confidence intervals of means over independent values, such as clips or images, but not frames of one clip."""

from __future__ import annotations

import numpy as np
from scipy import stats

_INDICES_AT_ONCE = 2**24  # held in memory: 128 MiB


def mean_interval(values: np.ndarray, samples: int = 10_000, seed: int = 0) -> tuple[float, float] | None:
    """Compute the 95 % percentile bootstrap interval of the mean of `values` (n,), from `samples` resamples.

    For differences this is the paired bootstrap. Returns None for fewer than two values.
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
    """Compute the 95 % interval of the mean of `values` (n,) that are dependent within each of the `groups` (n,).

    Examples are scenes of one image, or frames of one clip. Whole groups are drawn with replacement. Returns None for fewer
    than two groups.
    """
    names, index = np.unique(groups, return_inverse=True)
    if len(names) < 2:
        return None
    sums, counts = np.bincount(index, values), np.bincount(index)
    draws = np.random.default_rng(seed).integers(0, len(names), (samples, len(names)))
    low, high = np.percentile(sums[draws].sum(axis=1) / counts[draws].sum(axis=1), [2.5, 97.5])
    return float(low), float(high)
