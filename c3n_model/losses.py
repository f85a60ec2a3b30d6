"""Eq. 16: L_seg = BCE + Dice."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def segmentation_loss(logits: Tensor, masks: Tensor) -> Tensor:
    """BCE plus Dice: logits (N, H, W) and masks (N, H, W) in {0, 1}, any dtype -> a scalar."""
    masks = masks.to(logits.dtype)
    return F.binary_cross_entropy_with_logits(logits, masks) + dice_loss(logits.sigmoid(), masks)


def dice_loss(probabilities: Tensor, masks: Tensor) -> Tensor:
    """Mean over frames of 1 - (2 I + 1) / (A + B + 1), both (N, H, W): 0 for a perfect mask, and for an empty mask that
    is predicted empty. (The authors' code smooths inside the factor 2, which makes that case -1.)"""
    intersection = (probabilities * masks).sum(dim=(1, 2))
    total = probabilities.sum(dim=(1, 2)) + masks.sum(dim=(1, 2))
    return (1 - (2 * intersection + 1) / (total + 1)).mean()
