"""A clip computed as the paper and its code describe it, for comparison: nothing shared, merged or left out."""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor

from c3n_model.network.attention import attend
from c3n_model.network.c3n import C3N
from c3n_model.network.fusion import naive_non_local


def run_naive_clip(network: C3N, frames: Tensor, snippets: Tensor) -> Tensor:
    """Compute mask logits (T, H, W) of a clip, frames (T, 3, H, W) and snippets (T, samples).

    Equals `C3N.forward` but for the norms of `fusion_norm`, which are left out. CCAM's gradient is a backward pass that
    computes those of all weights, too; the fusion builds the (T H W) x (T H W) matrix of Eq. 13; all T frames are decoded.
    """
    with torch.no_grad():
        audio, audio_logits = network.audio_encoder(snippets)
    if network.consensus_mode == "none":
        with torch.no_grad():
            maps, _ = network.visual_encoder(frames)
    else:
        maps = _attend_by_backward(network, frames, audio_logits)
    with torch.no_grad():
        maps = [pyramid(stage) for pyramid, stage in zip(network.pyramids, maps, strict=True)]
        if network.fusions:
            fused = (naive_non_local(fusion, stage[None], audio[None]) for fusion, stage in zip(network.fusions, maps))  # type: ignore[arg-type]
            maps = [rearrange(stage, "1 t c h w -> t c h w") for stage in fused]
        return network.decoder(maps, (frames.shape[2], frames.shape[3]))


def _attend_by_backward(network: C3N, frames: Tensor, audio_logits: Tensor) -> list[Tensor]:
    """V_i^r of CCAM, with omega from `backward`."""
    with torch.enable_grad():
        maps, logits, points = network.visual_encoder.observe(frames.detach().requires_grad_())
        for point in points:
            point.retain_grad()
        consensus = network.infer(audio_logits, logits.detach())
        logits.gather(1, consensus.visual_class[:, None]).sum().backward()
    weights = [point.grad.flatten(2).mean(dim=2) for point in points if point.grad is not None]
    network.zero_grad(set_to_none=True)
    with torch.no_grad():
        return [
            attend(stage.detach(), omega, network.gate, network.gate_strength)
            for stage, omega in zip(maps, weights, strict=True)
        ]
