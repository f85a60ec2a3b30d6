"""Mean and standard deviation of a tagger's logits, class by class, and the CSV file that holds them.

Two things are described by them: what a tagger says of sounds that have nothing to do with a class (its prior, a table
beside this file) and what one robot hears of itself (its background, see `background.py`).
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

SMALLEST_DEVIATION = 0.3  # nats; a class that hardly varied in what was measured may vary more in what comes
COLUMNS = ("label", "mean", "deviation")


@dataclass(frozen=True)
class LogitStatistics:
    """`mean` and `deviation` float32 (K_a,) of logits, in nats; `weight` in [0, 1] says how much they are to be trusted."""

    mean: Tensor
    deviation: Tensor
    weight: float = 1.0

    def to(self, device: torch.device) -> LogitStatistics:
        """Return the same statistics on a device."""
        return LogitStatistics(self.mean.to(device), self.deviation.to(device), self.weight)


def write_statistics(path: Path, statistics: LogitStatistics, labels: tuple[str, ...], about: str) -> None:
    """Write a CSV file with a row per class; `about` becomes a comment above them. Folders are made as needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        file.writelines(f"# {line}\n" for line in [*about.splitlines(), f"weight {statistics.weight:.3f}"])
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        rows = zip(labels, statistics.mean.tolist(), statistics.deviation.tolist(), strict=True)
        writer.writerows((label, f"{mean:.3f}", f"{deviation:.3f}") for label, mean, deviation in rows)


def read_statistics(path: Path, labels: tuple[str, ...]) -> LogitStatistics:
    """Read a file of `write_statistics` that has exactly the classes `labels`, in their order.

    Raises:
        FileNotFoundError: no such file. ValueError: another kind of file, other classes, or a number that cannot be.
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
            f"{path} has {len(found)} classes, which are not the model's {len(labels)} in their order; it belongs to another "
            "tagger: measure it again with this one"
        )
    if not (values.isfinite().all() and (values[:, 1] >= 0).all() and math.isfinite(weight) and 0 <= weight <= 1):
        raise ValueError(
            f"{path} must have finite means, deviations of 0 or more and a weight in [0, 1]; measure it again"
        )
    return LogitStatistics(values[:, 0].contiguous(), values[:, 1].clamp(min=SMALLEST_DEVIATION), weight)
