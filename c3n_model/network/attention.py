"""CCAM, the Cognitive Consensus guided Attention Module (Eqs. 8-12). No learnable parameters."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Gate = Literal["gradient", "unit", "standard"]


def class_activation_weights(
    logits: Tensor, classes: Tensor, points: list[Tensor], *, keep_graph: bool = True
) -> list[Tensor]:
    """Eq. 8: omega_i, the spatial mean of d y^{k_m} / d V_i, as [(N, C_vi)]. `points` are the V_i, or what stands for
    them a norm earlier: `visual_encoder.VisualEncoder`'s `cam_point`.

    Frames do not see each other in eval mode, so one backward pass of the summed logits serves all N of them. The result
    is detached: as in the paper it guides the features and is no path for the training gradient. Parameters get no
    gradient from it.

    Args:
        logits: (N, K_v), computed from `points` with gradients enabled; classes: (N,) int64, k_m; points: [(N, C_vi, ...)];
        keep_graph: whether the caller still needs the graph (training does).
    Raises:
        ValueError: the logits do not depend on `points`.
    """
    chosen = logits.gather(1, classes[:, None]).sum()
    gradients = torch.autograd.grad(chosen, points, retain_graph=keep_graph, allow_unused=True)
    if any(gradient is None for gradient in gradients):
        raise ValueError("the logits have no gradient through every stage of this backbone; CCAM cannot use it")
    return [gradient.flatten(2).mean(dim=2).detach() for gradient in gradients]


def attend(features: Tensor, weights: Tensor, gate: Gate = "gradient", strength: float = 1.0) -> Tensor:
    """Eqs. 9-12: channel attention by the class-activated weights, then spatial attention by its own channel mean.

    Args:
        features: V_i (N, C, H, W); weights: omega_i (N, C); gate, strength: see `attend_channels`.
    Returns:
        V_i^r (N, C, H, W).
    """
    by_channel = attend_channels(features, weights, gate, strength)
    return by_channel * spatial_attention(by_channel)


def attend_channels(features: Tensor, weights: Tensor, gate: Gate = "gradient", strength: float = 1.0) -> Tensor:
    """Eqs. 9 and 10: V_i^c, the channels weighted by how much they speak for the class.

    `gate` says what enters the sigmoid of Eq. 9: "gradient" omega as the paper prints it (tiny numbers, so the gate is
    close to the constant 1/2); "unit" omega / ||omega||_2, as the authors' code does; "standard" omega scaled to a root
    mean square of 1 over the channels, ours: as strong for 1024 channels as for 32. All of them times `strength`, ours, too:
    a strong gate hides from the decoder what a wrong label does not name, at 0 the label says nothing.

    Args:
        features: V_i (N, C, H, W); weights: omega_i (N, C).
    Returns:
        V_i^c (N, C, H, W).
    """
    if gate == "unit":
        weights = torch.nn.functional.normalize(weights, dim=1)
    elif gate == "standard":
        weights = torch.nn.functional.normalize(weights, dim=1) * weights.shape[1] ** 0.5
    return features * torch.sigmoid(strength * weights)[:, :, None, None]


def spatial_attention(features: Tensor) -> Tensor:
    """Eq. 11: the sigmoid of the mean over channels, (N, C, H, W) -> (N, 1, H, W) in (0, 1)."""
    return torch.sigmoid(features.mean(dim=1, keepdim=True))


def linear_attention(features: Tensor, weights: Tensor) -> Tensor:
    """Eqs. 9-11 without both sigmoids, as Figure 7 shows them: the mean over channels of omega_i V_i. With the sigmoids the tiny
    omega_i hardly tell one channel from another; this is Grad-CAM of the stage, before it is rectified.

    Args:
        features: V_i (N, C, H, W); weights: omega_i (N, C).
    Returns:
        (N, H, W), of either sign.
    """
    return torch.einsum("nchw,nc->nhw", features, weights) / features.shape[1]
