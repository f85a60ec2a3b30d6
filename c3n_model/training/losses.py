"""Eq. 16: L_seg = BCE + Dice."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def frame_losses(logits: Tensor, masks: Tensor, *, dice: str = "paper", bce_weight: float = 1.0) -> Tensor:
    """Compute BCE (mean over pixels) plus Dice per frame: logits (N, H, W), masks (N, H, W) in {0, 1}, any dtype -> (N,).

    `dice` as in `dice_losses`; the cross entropy is multiplied by `bce_weight`.
    """
    masks = masks.to(logits.dtype)
    cross_entropy = F.binary_cross_entropy_with_logits(logits, masks, reduction="none").mean(dim=(1, 2))
    return bce_weight * cross_entropy + dice_losses(logits.sigmoid(), masks, dice)


def dice_losses(probabilities: Tensor, masks: Tensor, form: str = "paper") -> Tensor:
    """Compute 1 - (2 I + 1) / (A + B + 1) per frame, both (N, H, W) -> (N,), or for `form` "authors" 1 - 2 (I + 1) / (A + B + 1).

    The first is 0 for a perfect mask, including a correctly empty one; the second, of the authors' code, is then below 0, and
    -1 for the empty one.
    """
    intersection = (probabilities * masks).sum(dim=(1, 2))
    total = probabilities.sum(dim=(1, 2)) + masks.sum(dim=(1, 2))
    return 1 - (2 * intersection + (2 if form == "authors" else 1)) / (total + 1)
