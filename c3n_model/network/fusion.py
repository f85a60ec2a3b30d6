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
SUMMED_DEVIATION = 0.01  # standard deviation of the initial weights of `SummedPyramid`

PyramidForm = Literal["aspp", "tpavi"]


class AtrousPyramid(nn.Module):
    """Atrous Spatial Pyramid Pooling: projects a stage's features at five receptive fields to C channels."""

    def __init__(self, in_channels: int, channels: int):
        super().__init__()
        self.pooled = nn.Conv2d(in_channels, channels, kernel_size=1)
        self.point = nn.Conv2d(in_channels, channels, kernel_size=1)
        self.atrous = nn.ModuleList(
            nn.Conv2d(in_channels, channels, kernel_size=3, padding=rate, dilation=rate) for rate in ATROUS_RATES
        )
        self.project = nn.Conv2d((2 + len(ATROUS_RATES)) * channels, channels, kernel_size=1)

    def forward(self, features: Tensor) -> Tensor:
        """Map V_i^r (N, C_vi, H_i, W_i) to V_i^a (N, C, H_i, W_i)."""
        pooled = self.pooled(features.mean(dim=(2, 3), keepdim=True)).expand(-1, -1, *features.shape[2:])
        return self.project(torch.cat([pooled, self.point(features), *(conv(features) for conv in self.atrous)], dim=1))


class SummedPyramid(nn.Module):
    """The pyramid of TPAVI (Zhou et al., ECCV 2022), the paper's baseline: the sum of four atrous convolutions.

    The initial weights have a standard deviation of 0.01, as in its authors' code.
    """

    def __init__(self, in_channels: int, channels: int):
        super().__init__()
        convolutions = [
            nn.Conv2d(in_channels, channels, kernel_size=3, padding=rate, dilation=rate) for rate in SUMMED_RATES
        ]
        for conv in convolutions:
            nn.init.normal_(conv.weight, std=SUMMED_DEVIATION)
        self.atrous = nn.ModuleList(convolutions)

    def forward(self, features: Tensor) -> Tensor:
        """Map V_i (N, C_vi, H_i, W_i) to V_i^a (N, C, H_i, W_i)."""
        return sum(conv(features) for conv in self.atrous)


def build_pyramid(form: PyramidForm, in_channels: int, channels: int) -> nn.Module:
    """Build a stage's pyramid with random weights. Raises ValueError for an unknown `form`."""
    check_choice("pyramid", form, PyramidForm)
    return (AtrousPyramid if form == "aspp" else SummedPyramid)(in_channels, channels)


class CrossModalNonLocal(nn.Module):
    """Eqs. 13 and 14 without ever building the (T H W) x (T H W) matrix Phi.

    There is no softmax, and the repeated audio is constant over space, so
    `theta1(V) theta2(A)^T theta3(V) / N = theta1(V) [theta2(A)^T theta3(V)] / N`, where the bracket is one C' x C' matrix per
    clip, computed from each frame's audio vector and the spatial sum of its theta3(V). N is the number of positions T H W.
    The sum over frames ignores their order: *which* second sounds is left to the consensus.

    `normalise` adds two norms that are in the authors' code but not in the paper: a zero-initialised batch norm after
    theta4, and a layer norm over channels after the sum.
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

    def forward(self, visual: Tensor, audio: Tensor, selected: Tensor) -> Tensor:
        """Fuse V_i^a (B, T, C, H, W) and F_a (B, T, d) to M_i (M, C, H, W) of the M frames marked in `selected` bool (B, T).

        Frames that are not selected still contribute to the others.
        """
        # In training the batch norm learns the statistics of every frame, as in the authors' code.
        computed = torch.ones_like(selected) if self.training and self.batch_norm is not None else selected
        positions = visual.movedim(2, -1)  # B T H W C
        sound = self.theta2(self.audio(audio))  # B T C'
        # theta3 is affine, so its spatial mean is theta3 of the mean of V: no product per pixel is needed.
        image = self.theta3(positions.mean(dim=(2, 3)))  # B T C', mean over H W; with 1 / T this is the sum over N
        context = torch.einsum("btc,btd->bcd", sound, image) / visual.shape[1]  # B C' C'
        query = positions[computed]  # M H W C
        clip_of_frame = computed.nonzero()[:, 0]
        response = self.theta4(torch.einsum("mhwc,mcd->mhwd", self.theta1(query), context[clip_of_frame]))
        if self.batch_norm is not None:
            response = self.batch_norm(response.flatten(0, 2)).view_as(response)
        fused = query + response
        if computed is not selected:
            fused = fused[selected.flatten()]
        if self.layer_norm is not None:
            fused = self.layer_norm(fused)
        return fused.movedim(-1, 1)

    def attention(self, visual: Tensor, audio: Tensor) -> Tensor:
        """Compute the row sums of Phi (Eq. 13): V_i^a (B, T, C, H, W) and F_a (B, T, d) -> one value per pixel (B, T, H, W).

        A row of Phi is the response of a pixel to the sound at every position. The sound is constant over space, so the row
        sum is theta1(V) at the pixel times the mean of theta2(A) over the T seconds; positive or negative, unbounded.
        """
        sound = self.theta2(self.audio(audio)).mean(dim=1)  # B C'
        return torch.einsum("bthwc,bc->bthw", self.theta1(visual.movedim(2, -1)), sound)


def naive_non_local(block: CrossModalNonLocal, visual: Tensor, audio: Tensor) -> Tensor:
    """Compute Eqs. 13 and 14 as printed, with the full matrix Phi (T H W x T H W).

    Equals `block` without norms on all frames; the cost is quadratic in the number of positions. Reference for the tests and
    for `c3n benchmark`. V_i^a (B, T, C, H, W) and F_a (B, T, d) -> M_i (B, T, C, H, W).
    """
    _, frames, _, height, width = visual.shape
    positions = rearrange(visual, "b t c h w -> b (t h w) c")
    repeated = repeat(block.audio(audio), "b t c -> b (t h w) c", h=height, w=width)
    phi = block.theta1(positions) @ block.theta2(repeated).mT
    phi /= positions.shape[1]
    fused = positions + block.theta4(phi @ block.theta3(positions))
    return rearrange(fused, "b (t h w) c -> b t c h w", t=frames, h=height, w=width)


def upsample(features: Tensor, size: tuple[int, int], *, align_corners: bool = False) -> Tensor:
    """Resize (N, C, H, W) bilinearly to `size` (height, width)."""
    return F.interpolate(features, size=size, mode="bilinear", align_corners=align_corners)
