"""The visual prior of an image classifier: how probable it finds each noun in pictures that do not show it, and its CSV file.

The best of many windows of a picture looks like a "dog" on many pictures and like a "goat" on hardly any. The upper tail of what
unrelated pictures give is close to exponential, so two numbers per noun say how many of them look as much like it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from c3n_model.zero_shot.label_values import read_label_values, write_label_values

TAIL = 0.1  # fraction of unrelated pictures from which the tail is measured
SMALLEST_EXCESS = 0.3  # nats; what hardly varied while it was measured may vary more later
COLUMNS = ("usual", "excess")


@dataclass(frozen=True)
class VisualPrior:
    """For n nouns float32 (n,): `usual`, the log-probability in nats of the best window that a fraction TAIL of unrelated pictures
    exceeds, and `excess`, by how many nats those exceed it on average."""

    usual: Tensor
    excess: Tensor

    def rarity(self, best: Tensor) -> Tensor:
        """Return minus the logarithm of the fraction of unrelated pictures whose best window has a log-probability above `best` (n,);
        for what is usual it is extrapolated and may be negative."""
        return (best - self.usual) / self.excess - math.log(TAIL)

    def to(self, device: torch.device) -> VisualPrior:
        """Return the same prior on a device."""
        return VisualPrior(self.usual.to(device), self.excess.to(device))

    def select(self, nouns: Tensor) -> VisualPrior:
        """Return the prior of some nouns, an index tensor."""
        return VisualPrior(self.usual[nouns], self.excess[nouns])


def write_visual_prior(path: Path, prior: VisualPrior, nouns: tuple[str, ...], about: str) -> None:
    """Write a CSV file with a row per noun; `about` becomes a comment at the top. Missing folders are created."""
    write_label_values(path, nouns, dict(zip(COLUMNS, (prior.usual, prior.excess), strict=True)), about)


def read_visual_prior(path: Path, nouns: tuple[str, ...]) -> VisualPrior:
    """Read a file of `write_visual_prior` with exactly these nouns, in this order.

    Raises:
        FileNotFoundError: no such file. ValueError: not such a CSV file, other nouns, or an invalid number.
    """
    values, _ = read_label_values(path, nouns, COLUMNS)
    return VisualPrior(values[:, 0].contiguous(), values[:, 1].clamp(min=SMALLEST_EXCESS))
