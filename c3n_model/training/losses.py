"""Eq. 16: L_seg = BCE + Dice."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def frame_losses(logits: Tensor, masks: Tensor) -> Tensor:
    """BCE (mean over pixels) plus Dice of each frame: logits (N, H, W) and masks (N, H, W) in {0, 1}, any dtype -> (N,)."""
    masks = masks.to(logits.dtype)
    cross_entropy = F.binary_cross_entropy_with_logits(logits, masks, reduction="none").mean(dim=(1, 2))
    return cross_entropy + dice_losses(logits.sigmoid(), masks)


def dice_losses(probabilities: Tensor, masks: Tensor) -> Tensor:
    """1 - (2 I + 1) / (A + B + 1) of each frame, both (N, H, W) -> (N,): 0 for a perfect mask, and for an empty mask that
    is predicted empty. (The authors' code smooths inside the factor 2, which makes that case -1.)"""
    intersection = (probabilities * masks).sum(dim=(1, 2))
    total = probabilities.sum(dim=(1, 2)) + masks.sum(dim=(1, 2))
    return 1 - (2 * intersection + 1) / (total + 1)
