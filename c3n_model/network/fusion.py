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
        return self.project(
            torch.cat([pooled, self.point(features), *(_convolve(conv, features) for conv in self.atrous)], dim=1)
        )

    def mean(self, features: Tensor) -> Tensor:
        """Compute the spatial mean of `forward`, (N, C), at the cost of a few sums of the features."""
        mean = features.mean(dim=(2, 3), keepdim=True)
        branches = [self.pooled(mean), self.point(mean), *_atrous_means(features, self.atrous, ATROUS_RATES)]
        return self.project(torch.cat(branches, dim=1)).flatten(1)


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
        first, *others = (_convolve(conv, features) for conv in self.atrous)
        return sum(others, first)

    def mean(self, features: Tensor) -> Tensor:
        """Compute the spatial mean of `forward`, (N, C), at the cost of a few sums of the features."""
        return torch.stack(_atrous_means(features, self.atrous, SUMMED_RATES)).sum(dim=0).flatten(1)


def _convolve(conv: nn.Module, features: Tensor) -> Tensor:
    """Apply an atrous convolution, on a CPU in float32 where its gradient in bfloat16 is unsafe.

    With torch 2.14 on CPUs with AVX-512 the gradient of atrous convolutions in bfloat16 is NaN, or the process crashes, if
    the number of input channels is not a multiple of 16 (measured: 24, 40, 56, 152) and there are more than 16 output channels.
    """
    unsafe = conv.in_channels % 16 and conv.out_channels > 16  # type: ignore[operator]
    if unsafe and features.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
        with torch.autocast("cpu", enabled=False):
            return conv(features.float())
    return conv(features)


def build_pyramid(form: PyramidForm, in_channels: int, channels: int) -> nn.Module:
    """Build a stage's pyramid with random weights. Raises ValueError for an unknown `form`."""
    check_choice("pyramid", form, PyramidForm)
    return (AtrousPyramid if form == "aspp" else SummedPyramid)(in_channels, channels)


def tap_means(features: Tensor, rates: tuple[int, ...]) -> Tensor:
    """Average what each tap of dilated convolutions sees over all its positions, with zeros outside the map.

    Args:
        features: (N, C, H, W); rates: the K dilations of 3 x 3 convolutions with a padding of the same size, increasing.
    Returns:
        (N, C, 2 K + 1, 2 K + 1), indexed by the vertical and the horizontal offset in -rates, 0, +rates; the centre is the
        mean of the features. A tap whose offset reaches beyond the map sees nothing but zeros.
    """
    height, width = features.shape[2:]
    rows, columns = (_tap_bands(size, rates, features) for size in (height, width))
    by_column = torch.einsum("nchw,kw->nchk", features, columns)
    return torch.einsum("nchk,jh->ncjk", by_column, rows) / (height * width)


def _tap_bands(size: int, rates: tuple[int, ...], like: Tensor) -> Tensor:
    """Mark the positions that a tap at each offset sees, 0 or 1: (2 K + 1, size), in the dtype of `like`."""
    positions = torch.arange(size, device=like.device)
    offsets = [*(-rate for rate in reversed(rates)), 0, *rates]
    return torch.stack([(positions >= offset) & (positions < size + offset) for offset in offsets]).to(like.dtype)


def _atrous_means(features: Tensor, convolutions: nn.ModuleList, rates: tuple[int, ...]) -> list[Tensor]:
    """Compute the spatial mean (N, C, 1, 1) of each convolution of a pyramid.

    The sum over all positions of a convolution is, tap by tap, its weight times the sum of the features that the tap sees.
    """
    means, centre = tap_means(features, rates), len(rates)
    return [
        F.conv2d(means[:, :, centre - k : centre + k + 1 : k, centre - k : centre + k + 1 : k], conv.weight, conv.bias)  # type: ignore[arg-type]
        for k, conv in enumerate(convolutions, start=1)
    ]


class CrossModalNonLocal(nn.Module):
    """Eqs. 13 and 14 without ever building the (T H W) x (T H W) matrix Phi.

    There is no softmax, and the repeated audio is constant over space, so
    `theta1(V) theta2(A)^T theta3(V) / N = theta1(V) [theta2(A)^T theta3(V)] / N`, where the bracket is one C' x C' matrix per
    clip, the context, to which each second contributes two vectors of C' numbers: theta2(A) and the spatial mean of
    theta3(V). Nothing else of one second matters to another. N is the number of positions T H W.
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

    def contribute(self, visual_mean: Tensor, audio: Tensor) -> Tensor:
        """Compute what N seconds contribute to each other: theta2(A) and the spatial mean of theta3(V), (N, 2, C').

        theta3 is affine, so the mean of theta3(V) is theta3 of the mean of V: no product per pixel is needed.

        Args:
            visual_mean: spatial mean of V_i^a (N, C); audio: F_a (N, d).
        """
        return torch.stack([self.theta2(self.audio(audio)), self.theta3(visual_mean)], dim=1)

    def forward(self, visual: Tensor, context: Tensor) -> Tensor:
        """Fuse V_i^a (N, C, H, W) of N frames to M_i (N, C, H, W), each with the context of its clip (N, C', C').

        In training the batch norm needs every frame of the clips, not only those that are decoded: the statistics that it
        learns are those of all frames, as in the authors' code.
        """
        query = visual.movedim(1, -1)  # N H W C
        response = self.theta4(torch.einsum("nhwc,ncd->nhwd", self.theta1(query), context))
        if self.batch_norm is not None:
            response = self.batch_norm(response.flatten(0, 2)).view_as(response)
        fused = query + response
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


def join_contributions(contributions: Tensor) -> Tensor:
    """Join what the T seconds of each clip contribute, (B, T, 2, ..., C'), to the context theta2(A)^T theta3(V) / N of Eq. 13,
    (B, ..., C', C'). The contributions hold spatial means, so 1 / T remains of 1 / N."""
    sound, image = contributions.unbind(dim=2)
    return torch.einsum("bt...c,bt...d->b...cd", sound, image) / contributions.shape[1]


def naive_non_local(block: CrossModalNonLocal, visual: Tensor, audio: Tensor) -> Tensor:
    """Compute Eqs. 13 and 14 as printed, with the full matrix Phi (T H W x T H W).

    Equals `block` without norms, given the context of all frames; the cost is quadratic in the number of positions. Reference for the tests and
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
