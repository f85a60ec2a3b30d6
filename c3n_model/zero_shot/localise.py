"""Where is the class? Class activation maps of an image classifier, refined by the affinity of its own features.

Grad-CAM on the last features says *what* is where, coarsely; LayerCAM one stage earlier follows the outline but strays. Their
geometric mean keeps what both see. Two steps of a random walk on the earlier stage's affinities then spread it over the
object: places that look alike to the network take part in each other's activation.
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
GRABCUT_SIZE = 224
GRABCUT_SEEDS = (0.5, 0.85)  # of the activation's maximum: surely background below, surely object above
GRABCUT_ITERATIONS = 3


def class_activation(visual_encoder: VisualEncoder, frames: Tensor, members: Tensor) -> tuple[Tensor, Tensor]:
    """Where each frame shows its class.

    Args:
        frames: (N, 3, H, W) in [0, 1]; members: bool (N, K_v), the encoder's classes that the wanted class consists of.
    Returns:
        Activation (N, h, w) in [0, 1], its maximum 1 (all 0 where nothing speaks for the class), and the features (N, C, h, w)
        of the same stage, for `spread`.
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
    """AFFINITY_STEPS of a random walk from place to place with the probabilities relu(cosine of their features)^power:
    activation (N, h, w), features (N, C, h, w) -> (N, h, w), maximum 1."""
    places = F.normalize(features.flatten(2), dim=1)  # N C (h w)
    affinity = torch.einsum("ncp,ncq->npq", places, places).relu() ** AFFINITY_POWER
    affinity = affinity / affinity.sum(dim=2, keepdim=True).clamp(min=1e-12)  # a place may have no features at all
    walked = activation.flatten(1)[:, :, None]
    for _ in range(AFFINITY_STEPS):
        walked = affinity @ walked
    return _normalise(walked.view_as(activation))


def cut(activation: Tensor, frames: Tensor, threshold: float) -> Tensor:
    """GrabCut of each frame, seeded by its activation: (N, h, w) and frames (N, 3, H, W) in [0, 1] -> {0, 1} float
    (N, GRABCUT_SIZE, GRABCUT_SIZE). The slower option: outlines follow colours."""
    size = (GRABCUT_SIZE, GRABCUT_SIZE)
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
    cv2.setRNGSeed(0)  # GrabCut's clustering draws: the same picture shall give the same mask
    cv2.grabCut(picture[..., ::-1].copy(), seeds, None, *models, GRABCUT_ITERATIONS, cv2.GC_INIT_WITH_MASK)
    return (seeds == cv2.GC_FGD) | (seeds == cv2.GC_PR_FGD)


def _normalise(maps: Tensor) -> Tensor:
    """Each of (N, h, w) over its maximum."""
    return maps / maps.amax(dim=(1, 2), keepdim=True).clamp(min=1e-12)
