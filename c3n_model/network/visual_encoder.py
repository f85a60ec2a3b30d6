"""Visual encoder: a timm backbone with a convolutional or PVT pyramid -> four feature maps and class logits in one pass."""

from __future__ import annotations

import timm
import torch
from torch import Tensor, nn

STAGES = 4


class VisualEncoder(nn.Module):
    """F_v of the paper: {V_i}, i = 1..4, from fine (stride 4) to coarse (stride 32), and the logits of Eq. 2.

    Normalisation is inside: callers pass RGB in [0, 1]. `channels` are C_v1..C_v4; `strides` the four reductions.

    Raises:
        ValueError: timm does not know `name`, or it has fewer than four feature stages.
    """

    def __init__(self, name: str, num_classes: int, *, create_arguments: dict | None = None):
        super().__init__()
        if not timm.is_model(name):
            near = timm.list_models(f"*{name.split('_')[0]}*")[:5]
            raise ValueError(f"visual encoder {name!r} is not a timm model; near it: {', '.join(near) or 'none'}")
        self.backbone = timm.create_model(name, num_classes=num_classes, **(create_arguments or {}))
        stages = list(self.backbone.feature_info)
        if len(stages) < STAGES:
            raise ValueError(f"visual encoder {name!r} has {len(stages)} feature stages; C3N needs at least {STAGES}")
        self.channels = [stage["num_chs"] for stage in stages[-STAGES:]]
        self.strides = [stage["reduction"] for stage in stages[-STAGES:]]
        self.num_classes = num_classes
        config = self.backbone.pretrained_cfg
        self.set_normalisation(mean=config["mean"], std=config["std"])

    def set_normalisation(self, *, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        """Pixel statistics that the weights were trained with, where they are not those timm names for the model."""
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def forward(self, frames: Tensor) -> tuple[list[Tensor], Tensor]:
        """frames (N, 3, H, W) in [0, 1] -> maps [(N, C_vi, H_i, W_i)] x 4, logits (N, K_v)."""
        normalised = (frames - self.mean) / self.std
        deepest, maps = self.backbone.forward_intermediates(normalised)
        return maps[-STAGES:], self.backbone.forward_head(deepest)

    def head(self) -> nn.Module:
        """The classifier W_c^V of Eq. 2, which stays frozen while C3N trains (section IV-A of the paper)."""
        return self.backbone.get_classifier()
