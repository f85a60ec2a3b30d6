"""Which instance each pixel of a mask belongs to."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Instances:
    """The instances that one mask (H, W) is made of: `owner` int64 (H, W) in [0, n), the instance that each pixel belongs to
    if it is in the mask at all; `scores` float32 (n,) in [0, 1], the certainty of each."""

    owner: Tensor
    scores: Tensor
