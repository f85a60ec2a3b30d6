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
