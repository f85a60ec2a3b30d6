"""Segmentation head (section III-D, Eq. 15): top-down through the four stages, then a fully convolutional head."""

from __future__ import annotations

import math
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from c3n_model.network.choices import check_choice
from c3n_model.network.fusion import upsample

DecoderForm = Literal["plain", "authors"]
# What a mask's pixel is likely to be before anything is learned. A head that begins at 1/2 spends its first updates on pushing
# everything down, and one of few channels can end with none of its rectifiers alive.
FIRST_PROBABILITY = 0.1


class ResidualConv(nn.Module):
    """Two 3x3 convolutions before a sum: the Conv of Eq. 15. `rectified`: what is added is relu(x), not x."""

    def __init__(self, channels: int, *, rectified: bool = False):
        super().__init__()
        self.rectified = rectified
        self.first = nn.Conv2d(channels, channels, kernel_size=3, padding=1)
        self.second = nn.Conv2d(channels, channels, kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        positive = F.relu(x)
        return (positive if self.rectified else x) + self.second(F.relu(self.first(positive)))


class Decoder(nn.Module):
    """{M_i} -> mask logits at the frames' own size. Y_4 = up(Conv(M_4)); Y_i = up(Conv(Y_{i+1} + Conv(M_i))).

    `form` "authors" does as the authors' code does with the same weights: `up` aligns the corners, except in the head, and
    the sum in Conv takes the rectified input (their ReLU works in place).

    Raises ValueError for another `form`.
    """

    def __init__(self, channels: int, stages: int, *, form: DecoderForm = "plain"):
        super().__init__()
        check_choice("decoder", form, DecoderForm)
        authors = form == "authors"
        self.align_corners = authors
        head_channels = max(8, channels // 8)  # the authors' 256 -> 128 -> 32 -> 1, in proportion
        self.lateral = nn.ModuleList(ResidualConv(channels, rectified=authors) for _ in range(stages - 1))
        self.merge = nn.ModuleList(ResidualConv(channels, rectified=authors) for _ in range(stages))
        self.reduce = nn.Conv2d(channels, channels // 2, kernel_size=3, padding=1)
        self.refine = nn.Conv2d(channels // 2, head_channels, kernel_size=3, padding=1)
        self.classify = nn.Conv2d(head_channels, 1, kernel_size=1)
        assert self.classify.bias is not None
        nn.init.constant_(self.classify.bias, math.log(FIRST_PROBABILITY / (1 - FIRST_PROBABILITY)))

    def forward(self, maps: list[Tensor], size: tuple[int, int]) -> Tensor:
        """maps M_1..M_4 [(N, C, H_i, W_i)], fine to coarse -> logits (N, H, W) at `size`."""
        sizes = [(size[0] // 2, size[1] // 2)] + [(maps_i.shape[2], maps_i.shape[3]) for maps_i in maps[:-1]]
        merged = upsample(self.merge[-1](maps[-1]), sizes[-1], align_corners=self.align_corners)
        for stage in reversed(range(len(maps) - 1)):
            merged = self.merge[stage](merged + self.lateral[stage](maps[stage]))
            merged = upsample(merged, sizes[stage], align_corners=self.align_corners)
        fine = upsample(self.reduce(merged), size)
        return self.classify(F.relu(self.refine(fine))).squeeze(1)
