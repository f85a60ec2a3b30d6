"""Eq. 16: L_seg = BCE + Dice."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def frame_losses(logits: Tensor, masks: Tensor) -> Tensor:
    """Compute BCE (mean over pixels) plus Dice per frame: logits (N, H, W), masks (N, H, W) in {0, 1}, any dtype -> (N,)."""
    masks = masks.to(logits.dtype)
    cross_entropy = F.binary_cross_entropy_with_logits(logits, masks, reduction="none").mean(dim=(1, 2))
    return cross_entropy + dice_losses(logits.sigmoid(), masks)


def dice_losses(probabilities: Tensor, masks: Tensor) -> Tensor:
    """Compute 1 - (2 I + 1) / (A + B + 1) per frame, both (N, H, W) -> (N,).

    It is 0 for a perfect mask, including a correctly empty one. (The authors' code smooths inside the factor 2, so that the
    latter case is -1.)
    """
    intersection = (probabilities * masks).sum(dim=(1, 2))
    total = probabilities.sum(dim=(1, 2)) + masks.sum(dim=(1, 2))
    return 1 - (2 * intersection + 1) / (total + 1)
