"""Mean and standard deviation of a tagger's logits per class, and their CSV file.

They describe the tagger's logits for sounds unrelated to a class (its prior, a table beside this file) and for the background
of one robot (see `background.py`).
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

SMALLEST_DEVIATION = 0.3  # nats; a class that hardly varied while measured may vary more later
COLUMNS = ("label", "mean", "deviation")


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
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        file.writelines(f"# {line}\n" for line in [*about.splitlines(), f"weight {statistics.weight:.3f}"])
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        rows = zip(labels, statistics.mean.tolist(), statistics.deviation.tolist(), strict=True)
        writer.writerows((label, f"{mean:.3f}", f"{deviation:.3f}") for label, mean, deviation in rows)


def read_statistics(path: Path, labels: tuple[str, ...]) -> LogitStatistics:
    """Read a file of `write_statistics` with exactly the classes `labels`, in this order.

    Raises:
        FileNotFoundError: no such file. ValueError: not such a CSV file, other classes, or an invalid number.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}; expected a CSV file of {', '.join(COLUMNS)} per audio class")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        comments = [line.removeprefix("#").split() for line in lines if line.startswith("#")]
        weight = next((float(words[1]) for words in comments if words[:1] == ["weight"]), 1.0)
        rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
        found = tuple(row["label"] for row in rows)
        values = torch.tensor([[float(row["mean"]), float(row["deviation"])] for row in rows]).reshape(-1, 2)
    except (UnicodeDecodeError, csv.Error, ValueError, KeyError, TypeError, IndexError) as error:
        raise ValueError(f"{path} is not a CSV file of {', '.join(COLUMNS)}: {error!r}") from error
    if found != labels:
        raise ValueError(
            f"{path} has {len(found)} classes that differ from the model's {len(labels)}, or are in another order: it was "
            "measured with another tagger; measure it again with this one"
        )
    if not (values.isfinite().all() and (values[:, 1] >= 0).all() and math.isfinite(weight) and 0 <= weight <= 1):
        raise ValueError(
            f"{path} must have finite means, deviations of at least 0 and a weight in [0, 1]; measure it again"
        )
    return LogitStatistics(values[:, 0].contiguous(), values[:, 1].clamp(min=SMALLEST_DEVIATION), weight)
