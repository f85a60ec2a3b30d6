"""How sure is a mean? The bootstrap, for values that were drawn independently (clips, pictures; not frames of one clip)."""

from __future__ import annotations

import numpy as np

_AT_ONCE = 2**24  # draws held in memory, 128 MiB of indices


def mean_interval(values: np.ndarray, samples: int = 10_000, seed: int = 0) -> tuple[float, float] | None:
    """95 % interval of the mean of `values` (n,): of `samples` means over n values drawn with replacement, the 2.5th and the
    97.5th percentile. Paired where the values are differences. None for fewer than two values, which say nothing of others.
    """
    count = len(values)
    if count < 2:
        return None
    random, rows = np.random.default_rng(seed), max(_AT_ONCE // count, 1)
    sizes = [min(rows, samples - start) for start in range(0, samples, rows)]
    means = np.concatenate([values[random.integers(0, count, (size, count))].mean(axis=1) for size in sizes])
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


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
