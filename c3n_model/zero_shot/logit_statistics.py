"""Mean and standard deviation of a tagger's logits per class, and their CSV file.

They describe the tagger's logits for sounds unrelated to a class (its prior, a table beside this file) and for the background
of one robot (see `background.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from c3n_model.zero_shot.label_values import read_label_values, write_label_values

SMALLEST_DEVIATION = 0.3  # nats; a class that hardly varied while measured may vary more later
COLUMNS = ("mean", "deviation")


@dataclass(frozen=True)
class LogitStatistics:
    """Statistics of logits: `mean` and `deviation` float32 (K_a,) in nats; `weight` in [0, 1], how far they are trusted."""

    mean: Tensor
    deviation: Tensor
    weight: float = 1.0

    def to(self, device: torch.device) -> LogitStatistics:
        """Return the same statistics on a device."""
        return LogitStatistics(self.mean.to(device), self.deviation.to(device), self.weight)

    def select(self, classes: Tensor) -> LogitStatistics:
        """Return the statistics of some classes, an index tensor."""
        return LogitStatistics(self.mean[classes], self.deviation[classes], self.weight)


def write_statistics(path: Path, statistics: LogitStatistics, labels: tuple[str, ...], about: str) -> None:
    """Write a CSV file with a row per class; `about` becomes a comment at the top. Missing folders are created."""
    columns = dict(zip(COLUMNS, (statistics.mean, statistics.deviation), strict=True))
    write_label_values(path, labels, columns, f"{about}\nweight {statistics.weight:.3f}")


def read_statistics(path: Path, labels: tuple[str, ...]) -> LogitStatistics:
    """Read a file of `write_statistics` with exactly the classes `labels`, in this order.

    Raises:
        FileNotFoundError: no such file. ValueError: not such a CSV file, other classes, or an invalid number.
    """
    values, comments = read_label_values(path, labels, COLUMNS)
    try:
        weight = next((float(words[1]) for words in comments if words[:1] == ["weight"]), 1.0)
    except (ValueError, IndexError) as error:
        raise ValueError(f"{path} has no number as its weight: {error!r}") from error
    if not ((values[:, 1] >= 0).all() and 0 <= weight <= 1):
        raise ValueError(f"{path} must have deviations of at least 0 and a weight in [0, 1]; measure it again")
    return LogitStatistics(values[:, 0].contiguous(), values[:, 1].clamp(min=SMALLEST_DEVIATION), weight)
