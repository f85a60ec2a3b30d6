"""The instance that each pixel of a mask belongs to."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Instances:
    """The n instances of one mask (H, W): `owner` int64 (H, W) in [0, n), the instance of each pixel, which counts only inside
    the mask; `scores` float32 (n,) in [0, 1]."""

    owner: Tensor
    scores: Tensor
