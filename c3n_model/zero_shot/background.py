"""The background that a robot hears all the time (its motors, its fans, the room), learnt while it runs.

By default it is a running mean over LIVE_TIME_S of every second that is not silent. At most the fraction LIVE_WEIGHT of it is
subtracted, because a person who talks all day is part of it, too, and must stay audible; a second in which a mask was
published counts PUBLISHED_RATE. After `learn`, the next seconds alone are the background, and all of it is subtracted:
nothing else should sound meanwhile. It is not updated afterwards; call `learn` again when the robot changes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from c3n_model.zero_shot.logit_statistics import (
    SMALLEST_DEVIATION,
    LogitStatistics,
    read_statistics,
    write_statistics,
)

LIVE_TIME_S = 600.0  # half of the mean is replaced after about 7 minutes of other sounds
LIVE_WEIGHT = 0.5  # a sound 5 deviations above the prior stays 2.5 above, however long it goes on
PUBLISHED_RATE = 0.1
LEARNING_S = 10.0  # people nearby must keep quiet for so long


@dataclass
class _Running:
    """Running mean and variance (K_a,): unweighted over the first `time_s` seconds, then with exponential forgetting."""

    time_s: float
    seconds: float = 0.0
    mean: Tensor | None = None
    variance: Tensor | None = None

    def add(self, logits: Tensor, seconds: float) -> None:
        self.seconds += seconds
        if self.mean is None:
            self.mean, self.variance = logits.clone(), torch.zeros_like(logits)
            return
        rate = seconds / min(self.seconds, self.time_s)
        difference = logits - self.mean
        self.mean = self.mean + rate * difference
        self.variance = (1 - rate) * (self.variance + rate * difference.square())

    def statistics(self, weight: float) -> LogitStatistics:
        return LogitStatistics(self.mean, self.variance.sqrt().clamp(min=SMALLEST_DEVIATION), weight)


class Background:
    """The background of one session. Not thread safe, like the session that owns it."""

    def __init__(self, learnt: LogitStatistics | None = None):
        """`learnt`: a background learnt before, by `learn` or from a file."""
        self._learnt = learnt
        self._live = _Running(LIVE_TIME_S)
        self._learning: _Running | None = None

    @property
    def statistics(self) -> LogitStatistics | None:
        """The background learnt by `learn` or from a file, else the running mean; None before the first sound."""
        if self._learnt is not None or self._live.mean is None:
            return self._learnt
        return self._live.statistics(LIVE_WEIGHT * (1 - math.exp(-self._live.seconds / LIVE_TIME_S)))

    @property
    def is_learning(self) -> bool:
        """Whether `learn` was called and has not finished."""
        return self._learning is not None

    def learn(self, seconds: float = LEARNING_S) -> None:
        """Take the next seconds that are not silent as the background. Raises ValueError unless `seconds` is positive."""
        if not seconds > 0:
            raise ValueError(f"the duration of the background to learn must be positive, got {seconds} s")
        self._learning = _Running(seconds)

    def finish(self) -> None:
        """End `learn` early, with the sound heard so far. Raises RuntimeError if all of it was silent."""
        if self._learning is None or self._learning.mean is None:
            raise RuntimeError("no background was learnt: all seconds were silent")
        self._learnt, self._learning = self._learning.statistics(1.0), None

    def hear(self, logits: Tensor, seconds: float, *, published: bool) -> None:
        """Add the logits (K_a,) of `seconds` of sound that was not silent; `published`: a mask was published for them."""
        if self._learning is not None:
            self._learning.add(logits, seconds)
            if self._learning.seconds >= self._learning.time_s - 1e-6:
                self.finish()
        elif self._learnt is None:
            self._live.add(logits, seconds * (PUBLISHED_RATE if published else 1.0))

    def forget_live(self) -> None:
        """Forget the running mean, but not a background learnt by `learn` or from a file."""
        self._live = _Running(LIVE_TIME_S)

    def save(self, path: Path, labels: tuple[str, ...], tagger: str = "") -> None:
        """Write `statistics`, of logits of `tagger`, to a CSV file. Raises RuntimeError before the first sound."""
        if self.statistics is None:
            raise RuntimeError("no background to save: nothing was heard yet")
        about = "Background sound of this robot: logits of the audio tagger (c3n_model/zero_shot/background.py)"
        write_statistics(path, self.statistics, labels, about, tagger)


def load_background(path: Path, labels: tuple[str, ...], tagger: str = "") -> Background:
    """Read a file of `Background.save` for a model with these audio labels and taggers. Raises as `read_statistics`."""
    return Background(read_statistics(path, labels, tagger))
