"""Cross-modal feature fusion (section III-C): ASPP, then the cross-modal non-local block (Eqs. 13 and 14)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ATROUS_RATES = (6, 12, 18)


class AtrousPyramid(nn.Module):
    """Atrous Spatial Pyramid Pooling: a stage's features at five receptive fields, mixed into C channels."""

    def __init__(self, in_channels: int, channels: int):
        super().__init__()
        self.pooled = nn.Conv2d(in_channels, channels, kernel_size=1)
        self.point = nn.Conv2d(in_channels, channels, kernel_size=1)
        self.atrous = nn.ModuleList(
            nn.Conv2d(in_channels, channels, kernel_size=3, padding=rate, dilation=rate) for rate in ATROUS_RATES
        )
        self.project = nn.Conv2d((2 + len(ATROUS_RATES)) * channels, channels, kernel_size=1)

    def forward(self, features: Tensor) -> Tensor:
        """V_i^r (N, C_vi, H_i, W_i) -> V_i^a (N, C, H_i, W_i)."""
        pooled = self.pooled(features.mean(dim=(2, 3), keepdim=True)).expand(-1, -1, *features.shape[2:])
        return self.project(torch.cat([pooled, self.point(features), *(conv(features) for conv in self.atrous)], dim=1))


class CrossModalNonLocal(nn.Module):
    """Eqs. 13 and 14 without ever building the (T H W) x (T H W) matrix Phi.

    There is no softmax, and the repeated audio is constant over space, so
    `theta1(V) theta2(A)^T theta3(V) / N = theta1(V) [theta2(A)^T theta3(V)] / N`, whose bracket is a C' x C' matrix a clip,
    built from each frame's audio vector and the spatial sum of its theta3(V). N is the number of positions T H W. The
    sum over frames forgets their order: *which* second sounds is left to the consensus.

    `normalise` adds what the authors' code has and the paper has not: a batch norm that starts at zero after theta4, and a
    layer norm over channels after the sum.
    """

    def __init__(self, channels: int, audio_channels: int, *, normalise: bool = False):
        super().__init__()
        inner = channels // 2
        self.audio = nn.Linear(audio_channels, channels)
        self.theta1 = nn.Linear(channels, inner)
        self.theta2 = nn.Linear(channels, inner)
        self.theta3 = nn.Linear(channels, inner)
        self.theta4 = nn.Linear(inner, channels)
        self.batch_norm = nn.BatchNorm1d(channels) if normalise else None
        self.layer_norm = nn.LayerNorm(channels) if normalise else None
        if normalise:
            nn.init.zeros_(self.batch_norm.weight)

    def forward(self, visual: Tensor, audio: Tensor, wanted: Tensor) -> Tensor:
        """V_i^a (B, T, C, H, W) and F_a (B, T, d) -> M_i (M, C, H, W) of the M frames that `wanted` bool (B, T) names.

        A frame that is not wanted still takes part: the others look at it.
        """
        positions = visual.movedim(2, -1)  # B T H W C
        heard = self.theta2(self.audio(audio))  # B T C'
        # theta3 is affine, so its spatial sum follows from the mean of V: no per-pixel product is needed.
        seen = self.theta3(positions.mean(dim=(2, 3)))  # B T C', mean over H W; with 1 / T this is the sum over N
        context = torch.einsum("btc,btd->bcd", heard, seen) / visual.shape[1]  # B C' C'
        query = positions[wanted]  # M H W C
        clip_of_frame = wanted.nonzero()[:, 0]
        response = self.theta4(torch.einsum("mhwc,mcd->mhwd", self.theta1(query), context[clip_of_frame]))
        if self.batch_norm is not None:
            response = self.batch_norm(response.flatten(0, 2)).view_as(response)
        fused = query + response
        if self.layer_norm is not None:
            fused = self.layer_norm(fused)
        return fused.movedim(-1, 1)


def upsample(features: Tensor, size: tuple[int, int], *, align_corners: bool = False) -> Tensor:
    """Bilinear to `size` (height, width)."""
    return F.interpolate(features, size=size, mode="bilinear", align_corners=align_corners)
