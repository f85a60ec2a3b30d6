"""Localise a class by the class activation maps of an image classifier, refined by the affinity of its features.

Grad-CAM on the last features locates the class reliably but coarsely; LayerCAM one stage earlier follows the outline but also
responds elsewhere. Their geometric mean keeps what both mark. Two steps of a random walk on the affinities of the earlier
stage then spread the activation over the object, between positions with similar features.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from c3n_model.network.fusion import upsample
from c3n_model.network.visual_encoder import VisualEncoder

AFFINITY_POWER = 2.0
AFFINITY_STEPS = 2
# Fractions of the maximum: below the first is certain background, above the second certain object.
GRABCUT_SEEDS = (0.5, 0.85)
GRABCUT_ITERATIONS = 2


def class_activation(visual_encoder: VisualEncoder, frames: Tensor, members: Tensor) -> tuple[Tensor, Tensor]:
    """Compute the class activation of each frame.

    Args:
        frames: (N, 3, H, W) in [0, 1]; members: bool (N, K_v), the classes of the encoder that make up the wanted class.
    Returns:
        Activation (N, h, w) in [0, 1] with maximum 1 (all 0 without any positive evidence), and the features (N, C, h, w) of
        the same stage, for `spread`.
    """
    with torch.enable_grad():
        normalised = (frames.detach() - visual_encoder.mean) / visual_encoder.std
        deepest, maps = visual_encoder.backbone.forward_intermediates(normalised.requires_grad_())
        earlier = maps[-2]
        logits = visual_encoder.backbone.forward_head(deepest)
        wanted = logits.masked_fill(~members, -torch.inf).logsumexp(dim=1)  # the log-odds of any of them
        gradients = torch.autograd.grad(wanted.sum(), (deepest, earlier))
    deepest, earlier = deepest.detach(), earlier.detach()
    coarse = (gradients[0].mean(dim=(2, 3), keepdim=True) * deepest).sum(dim=1).relu()  # Grad-CAM
    fine = (gradients[1].relu() * earlier.relu()).sum(dim=1)  # LayerCAM
    coarse = upsample(coarse[:, None], tuple(earlier.shape[2:]))[:, 0]
    return _normalise((_normalise(coarse) * _normalise(fine).sqrt()).sqrt()), earlier


def spread(activation: Tensor, features: Tensor) -> Tensor:
    """Spread an activation by AFFINITY_STEPS of a random walk: activation (N, h, w), features (N, C, h, w) -> (N, h, w) with
    maximum 1. Transition probabilities are proportional to relu(cosine of the features) ** AFFINITY_POWER."""
    positions = F.normalize(features.flatten(2), dim=1)  # N C (h w)
    affinity = torch.einsum("ncp,ncq->npq", positions, positions).relu() ** AFFINITY_POWER
    affinity = affinity / affinity.sum(dim=2, keepdim=True).clamp(min=1e-12)  # features may be all zero at a position
    walked = activation.flatten(1)[:, :, None]
    for _ in range(AFFINITY_STEPS):
        walked = affinity @ walked
    return _normalise(walked.view_as(activation))


def grabcut(activation: Tensor, frames: Tensor, threshold: float, side: int) -> Tensor:
    """Segment each frame by GrabCut, seeded by its activation; outlines follow colours.

    activation (N, h, w), frames (N, 3, H, W) in [0, 1] -> 0 or 1, float (N, side, side).
    """
    size = (side, side)
    pictures = (upsample(frames, size) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    seeds = upsample(activation[:, None], size)[:, 0].cpu().numpy()
    masks = [_grab_cut(picture, seed, threshold) for picture, seed in zip(pictures, seeds, strict=True)]
    return torch.from_numpy(np.stack(masks)).to(activation)


def _grab_cut(picture: np.ndarray, activation: np.ndarray, threshold: float) -> np.ndarray:
    background, certain = GRABCUT_SEEDS
    seeds = np.where(activation > threshold, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    seeds[activation > certain], seeds[activation < background] = cv2.GC_FGD, cv2.GC_BGD
    if not ((seeds == cv2.GC_BGD).any() and (seeds == cv2.GC_FGD).any()):
        return activation > threshold  # GrabCut needs both
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)  # GrabCut clusters with random numbers; the same image must give the same mask
    cv2.grabCut(picture[..., ::-1].copy(), seeds, None, *models, GRABCUT_ITERATIONS, cv2.GC_INIT_WITH_MASK)
    return (seeds == cv2.GC_FGD) | (seeds == cv2.GC_PR_FGD)


def _normalise(maps: Tensor) -> Tensor:
    """Divide each of (N, h, w) by its maximum."""
    return maps / maps.amax(dim=(1, 2), keepdim=True).clamp(min=1e-12)
