"""Mean and standard deviation of a tagger's logits per class, and their CSV file.

They describe the tagger's logits for sounds unrelated to a class (its prior, a table beside this file) and for the background
of one robot (see `background.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from c3n_model.zero_shot.label_values import read_label_values, write_label_values

SMALLEST_DEVIATION = 0.3  # nats; a class that hardly varied while measured may vary more later
COLUMNS = ("mean", "deviation")


@dataclass(frozen=True)
class LogitStatistics:
    """Statistics of logits: `mean` and `deviation` float32 (K_a,) in nats; `weight` in [0, 1], how far they are trusted; `scale`, of a
    prior: how many of its deviations count as one, because taggers exceed them unequally often (`prior.py`)."""

    mean: Tensor
    deviation: Tensor
    weight: float = 1.0
    scale: float = 1.0

    def to(self, device: torch.device) -> LogitStatistics:
        """Return the same statistics on a device."""
        return replace(self, mean=self.mean.to(device), deviation=self.deviation.to(device))

    def select(self, classes: Tensor) -> LogitStatistics:
        """Return the statistics of some classes, an index tensor."""
        return replace(self, mean=self.mean[classes], deviation=self.deviation[classes])


def write_statistics(
    path: Path, statistics: LogitStatistics, labels: tuple[str, ...], about: str, tagger: str = ""
) -> None:
    """Write a CSV file with a row per class; `about` and the name of the tagger become comments at the top. Missing folders are
    created."""
    columns = dict(zip(COLUMNS, (statistics.mean, statistics.deviation), strict=True))
    write_label_values(
        path, labels, columns, f"{about}\nweight {statistics.weight:.3f}\nscale {statistics.scale:.3f}\ntagger {tagger}"
    )


def read_statistics(path: Path, labels: tuple[str, ...], tagger: str = "") -> LogitStatistics:
    """Read a file of `write_statistics` with exactly the classes `labels`, in this order, for logits of `tagger`.

    A file that names none, as older ones, is of one tagger, not of two ("mn04+yamnet"); "" takes any.

    Raises:
        FileNotFoundError: no such file. ValueError: not such a CSV file, other classes, another tagger, or an invalid number.
    """
    values, comments = read_label_values(path, labels, COLUMNS)
    noted = {words[0]: words[1] for words in comments if len(words) == 2}
    measured = noted.get("tagger", "")
    if tagger and measured != tagger and (measured or "+" in tagger):
        raise ValueError(
            f"{path} was measured with {measured or 'one tagger'}, but this model hears with {tagger}: measure it again with this "
            "model, or choose its taggers by audio and second_audio"
        )
    try:
        weight, scale = (float(noted.get(name, 1.0)) for name in ("weight", "scale"))
    except ValueError as error:
        raise ValueError(f"{path} has no number as its weight or scale: {error!r}") from error
    if not ((values[:, 1] >= 0).all() and 0 <= weight <= 1 and 0 < scale < float("inf")):
        raise ValueError(
            f"{path} must have deviations of at least 0, a weight in [0, 1] and a positive scale; measure it again"
        )
    return LogitStatistics(values[:, 0].contiguous(), values[:, 1].clamp(min=SMALLEST_DEVIATION), weight, scale)
