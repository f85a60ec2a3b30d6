"""CCAM, the Cognitive Consensus guided Attention Module (Eqs. 8-12). No learnable parameters."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Gate = Literal["gradient", "unit", "standard"]


def class_activation_weights(
    logits: Tensor, classes: Tensor, points: list[Tensor], *, keep_graph: bool = True
) -> list[Tensor]:
    """Compute omega_i of Eq. 8, the spatial mean of d y^{k_m} / d V_i, as [(N, C_vi)].

    In eval mode frames are independent, so one backward pass of the summed logits serves all N of them. The result is
    detached: as in the paper it guides the features but does not carry the training gradient. Parameters get no gradient.

    Args:
        logits: (N, K_v), computed from `points` with gradients enabled; classes: (N,) int64, k_m, or (N, k), several of which
        the logits are summed, -1 for none; points: [(N, C_vi, ...)],
        the V_i, or the activations before the stage's last norm (`cam_point` of `visual_encoder.VisualEncoder`);
        keep_graph: whether the caller still needs the graph (training does).
    Raises:
        ValueError: the logits do not depend on `points`.
    """
    classes = classes.view(len(logits), -1)
    chosen = logits.gather(1, classes.clamp(min=0)).where(classes >= 0, 0.0).sum()
    gradients = torch.autograd.grad(chosen, points, retain_graph=keep_graph, allow_unused=True)
    if any(gradient is None for gradient in gradients):
        raise ValueError("the logits have no gradient through every stage of this backbone; CCAM cannot use it")
    return [gradient.flatten(2).mean(dim=2).detach() for gradient in gradients]


def attend(features: Tensor, weights: Tensor, gate: Gate = "gradient", strength: float = 1.0) -> Tensor:
    """Apply Eqs. 9-12: channel attention by the class-activated weights, then spatial attention by its own channel mean.

    Args:
        features: V_i (N, C, H, W); weights: omega_i (N, C); gate, strength: see `attend_channels`.
    Returns:
        V_i^r (N, C, H, W).
    """
    by_channel = attend_channels(features, weights, gate, strength)
    return by_channel * spatial_attention(by_channel)


def attend_channels(features: Tensor, weights: Tensor, gate: Gate = "gradient", strength: float = 1.0) -> Tensor:
    """Compute V_i^c of Eqs. 9 and 10: the channels weighted by their contribution to the class.

    `gate` selects the argument of the sigmoid in Eq. 9: "gradient" is omega as the paper prints it (tiny values, so the
    gate is close to the constant 1/2); "unit" is omega / ||omega||_2, as in the authors' code; "standard" is ours: omega
    scaled to a root mean square of 1 over the channels, so that the gate does not weaken as the number of channels grows.
    The argument is multiplied by `strength` (ours): with a strong gate a wrong label hides the object from the decoder;
    at 0 the label has no effect.

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
    """Compute Eq. 11, the sigmoid of the mean over channels: (N, C, H, W) -> (N, 1, H, W) in (0, 1)."""
    return torch.sigmoid(features.mean(dim=1, keepdim=True))


def spatial_attention_with_and_without(
    stages: list[Tensor], weights: list[Tensor], gate: Gate, strength: float
) -> list[tuple[Tensor, Tensor]]:
    """Compute for each stage V_i (N, C, H, W) Eq. 11 of V_i itself and of its V_i^c, each (N, H, W) in (0, 1)."""
    guided = [attend_channels(stage, omega, gate, strength) for stage, omega in zip(stages, weights, strict=True)]
    return [(spatial_attention(stage)[:, 0], spatial_attention(by)[:, 0]) for stage, by in zip(stages, guided)]


def linear_attention(features: Tensor, weights: Tensor) -> Tensor:
    """Compute Eqs. 9-11 without the two sigmoids, as Figure 7 shows them: the mean over channels of omega_i V_i.

    After the sigmoids the tiny omega_i hardly differ between channels. This map is the stage's Grad-CAM before its ReLU.

    Args:
        features: V_i (N, C, H, W); weights: omega_i (N, C).
    Returns:
        (N, H, W), positive or negative.
    """
    return torch.einsum("nchw,nc->nhw", features, weights) / features.shape[1]
