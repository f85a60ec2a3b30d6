"""A value of a table over several seeds, with its statistics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Sample:
    """Values by the seed of their training; at least one."""

    by_seed: dict[int, float]

    @property
    def mean(self) -> float:
        return float(np.mean(list(self.by_seed.values())))

    @property
    def interval(self) -> tuple[float, float] | None:
        """Student's 95 % interval of the mean over seeds; None for a single seed."""
        values = list(self.by_seed.values())
        if len(values) < 2:
            return None
        half = stdtrit(len(values) - 1, (1 + CONFIDENCE) / 2) * np.std(values, ddof=1) / np.sqrt(len(values))
        return self.mean - float(half), self.mean + float(half)

    def map(self, function: Callable[[float], float]) -> Sample:
        return Sample({seed: function(value) for seed, value in self.by_seed.items()})

    def to_json(self) -> dict:
        return {"mean": self.mean, "interval_95": self.interval, "by_seed": self.by_seed}


def paired_difference(better: Sample, worse: Sample) -> Sample:
    """Compute `better` - `worse` seed by seed.

    Trainings with the same seed see the same clips in the same order, so most of the variation between seeds cancels out.
    Raises ValueError if they have no seed in common.
    """
    shared = [seed for seed in better.by_seed if seed in worse.by_seed]
    if not shared:
        raise ValueError(f"no seed in common: {sorted(better.by_seed)} and {sorted(worse.by_seed)}")
    return Sample({seed: better.by_seed[seed] - worse.by_seed[seed] for seed in shared})


def verdict(difference: Sample) -> str:
    """Decide whether a difference is above 0.

    "yes" or "no" if the interval excludes 0, "not decided" otherwise; for a single seed only its sign, or "equal" for 0.
    """
    sign = "yes" if difference.mean > 0 else "no" if difference.mean < 0 else "equal"
    if difference.interval is None:
        return f"{sign}, by one seed"
    low, high = difference.interval
    return sign if low > 0 or high < 0 else "not decided"
