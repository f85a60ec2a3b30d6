"""One number of a table over several seeds, and what can be said of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Sample:
    """A number by the seed of the training that gave it; at least one."""

    by_seed: dict[int, float]

    @property
    def mean(self) -> float:
        return float(np.mean(list(self.by_seed.values())))

    @property
    def interval(self) -> tuple[float, float] | None:
        """Student's 95 % interval of the mean over seeds; None for one seed, which says nothing about the spread."""
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
    """`better` - `worse`, seed by seed: trainings with the same seed see the same clips in the same order, so that most of
    what differs between seeds goes out. Raises ValueError where they share no seed."""
    shared = [seed for seed in better.by_seed if seed in worse.by_seed]
    if not shared:
        raise ValueError(f"no seed in common: {sorted(better.by_seed)} and {sorted(worse.by_seed)}")
    return Sample({seed: better.by_seed[seed] - worse.by_seed[seed] for seed in shared})


def verdict(difference: Sample) -> str:
    """Whether it is above 0: "yes" or "no" where the interval leaves 0 out, "not decided" where it does not; of one seed its
    sign alone, "equal" for 0."""
    sign = "yes" if difference.mean > 0 else "no" if difference.mean < 0 else "equal"
    if difference.interval is None:
        return f"{sign}, by one seed"
    low, high = difference.interval
    return sign if low > 0 or high < 0 else "not decided"
