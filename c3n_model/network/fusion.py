"""Cross-modal feature fusion (section III-C): a pyramid, then the cross-modal non-local block (Eqs. 13 and 14)."""

from __future__ import annotations

from typing import Literal

import torch
from einops import rearrange, repeat
from torch import Tensor, nn
from torch.nn import functional as F

from c3n_model.network.choices import check_choice

ATROUS_RATES = (6, 12, 18)
SUMMED_RATES = (3, 6, 12, 18)
SUMMED_DEVIATION = 0.01  # of the first weights of `SummedPyramid`

PyramidForm = Literal["aspp", "tpavi"]


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


class SummedPyramid(nn.Module):
    """The pyramid of TPAVI (Zhou et al., ECCV 2022), the paper's baseline: the sum of four atrous convolutions. Their weights
    start small, with a standard deviation of 0.01, as in the code of its authors."""

    def __init__(self, in_channels: int, channels: int):
        super().__init__()
        convolutions = [
            nn.Conv2d(in_channels, channels, kernel_size=3, padding=rate, dilation=rate) for rate in SUMMED_RATES
        ]
        for conv in convolutions:
            nn.init.normal_(conv.weight, std=SUMMED_DEVIATION)
        self.atrous = nn.ModuleList(convolutions)

    def forward(self, features: Tensor) -> Tensor:
        """V_i (N, C_vi, H_i, W_i) -> V_i^a (N, C, H_i, W_i)."""
        return sum(conv(features) for conv in self.atrous)


def build_pyramid(form: PyramidForm, in_channels: int, channels: int) -> nn.Module:
    """A stage's pyramid with random weights. Raises ValueError for another `form`."""
    check_choice("pyramid", form, PyramidForm)
    return (AtrousPyramid if form == "aspp" else SummedPyramid)(in_channels, channels)


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
        if self.batch_norm is not None:
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

    def attention(self, visual: Tensor, audio: Tensor) -> Tensor:
        """The rows of Phi (Eq. 13), a number a pixel: V_i^a (B, T, C, H, W) and F_a (B, T, d) -> (B, T, H, W).

        A row of Phi says how a pixel responds to the sound at every position. The sound is constant over space, so that the
        sum of a row is theta1(V) at the pixel times the mean of theta2(A) over the T seconds. Of either sign, unbounded.
        """
        heard = self.theta2(self.audio(audio)).mean(dim=1)  # B C'
        return torch.einsum("bthwc,bc->bthw", self.theta1(visual.movedim(2, -1)), heard)


def naive_non_local(block: CrossModalNonLocal, visual: Tensor, audio: Tensor) -> Tensor:
    """Eqs. 13 and 14 letter by letter, with the whole matrix Phi (T H W x T H W): what `block` without norms computes for all
    frames, at a cost that grows with the square of the positions. The oracle of its tests and of `c3n benchmark`.

    V_i^a (B, T, C, H, W) and F_a (B, T, d) -> M_i (B, T, C, H, W).
    """
    _, frames, _, height, width = visual.shape
    positions = rearrange(visual, "b t c h w -> b (t h w) c")
    repeated = repeat(block.audio(audio), "b t c -> b (t h w) c", h=height, w=width)
    phi = block.theta1(positions) @ block.theta2(repeated).mT
    phi /= positions.shape[1]
    fused = positions + block.theta4(phi @ block.theta3(positions))
    return rearrange(fused, "b (t h w) c -> b t c h w", t=frames, h=height, w=width)


def upsample(features: Tensor, size: tuple[int, int], *, align_corners: bool = False) -> Tensor:
    """Bilinear to `size` (height, width)."""
    return F.interpolate(features, size=size, mode="bilinear", align_corners=align_corners)
