"""The network with frozen weights, rewritten so that the same numbers take fewer operations.

Between some layers of C3N there is no nonlinearity, so that they can be merged or exchanged once the weights no longer change.
`prepare` does so on a copy that shares the encoders' weights; the network itself, and what is saved of it, stay as they are.

- ASPP: the projection is merged into the branches, and a dilation that reaches beyond the map is left out.
- Fusion: theta1, the context and theta4 are one C x C matrix per clip, norms included.
- Decoder: the convolutions of the two finest maps are Winograd's on a CPU (`WinogradConv`).
- Head: 3 x 3 convolutions are applied before the upsampling that they follow (`UpsampledConv`), at a quarter of the positions.
- C3IM: the logarithm of the similarities and the audible classes are constants.
"""

from __future__ import annotations

import copy
from functools import reduce
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from c3n_model.network.c3n import C3N
from c3n_model.network.choices import check_choice
from c3n_model.network.decoder import Decoder, ResidualConv
from c3n_model.network.fusion import (
    ATROUS_RATES,
    SUMMED_RATES,
    AtrousPyramid,
    CrossModalNonLocal,
    SummedPyramid,
    tap_means,
    upsample,
)
from c3n_model.network.upsampled_conv import ConvOfUpsampled, UpsampledConv
from c3n_model.network.winograd_conv import WORTHWHILE_CHANNELS as WORTHWHILE_WINOGRAD
from c3n_model.network.winograd_conv import WinogradConv

Precision = Literal["float32", "bfloat16"]
# Input channels from which convolving before upsampling was measured to be faster (CPU with AVX-512).
WORTHWHILE_CHANNELS = {torch.float32: 128, torch.bfloat16: 256}

FINE_STAGES = 2  # whose maps are so large that Winograd's convolution pays


@torch.no_grad()
def prepare(network: C3N, *, precision: Precision = "float32") -> C3N:
    """Return `network` in eval mode, frozen and rewritten. It shares the encoders' weights as long as neither is moved.

    With `precision` "bfloat16" ASPP, fusion and decoder compute in bfloat16. The encoders, the gradient of CCAM and C3IM stay
    float32, so that the unified-modal label is the same.

    Raises ValueError for an unknown precision.
    """
    check_choice("precision", precision, Precision)
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    shared: dict[int, object] = {id(p): nn.Parameter(p.detach(), requires_grad=False) for p in network.parameters()}
    shared |= {id(buffer): buffer for buffer in network.buffers()}
    prepared = copy.deepcopy(network, shared).eval()
    _, similarity = prepared.consensus_inputs(prepared.similarity.new_zeros(1, len(prepared.similarity)))
    prepared.log_similarity = similarity.clamp(min=0).log()
    prepared.audible = prepared.audible_classes
    prepared.pyramids = nn.ModuleList(MergedPyramid(pyramid, dtype) for pyramid in prepared.pyramids)
    prepared.fusions = nn.ModuleList(FoldedFusion(fusion) for fusion in prepared.fusions)  # type: ignore[arg-type]
    prepared.decoder = PreparedDecoder(prepared.decoder, dtype)  # type: ignore[arg-type]
    return prepared.requires_grad_(False).to(memory_format=torch.channels_last)


class MergedPyramid(nn.Module):
    """`AtrousPyramid` or `SummedPyramid` as a sum of dilated convolutions and a constant.

    The weights of all centre taps and of the point branch are in the centre of the first convolution.
    """

    pooled: Tensor
    bias: Tensor

    def __init__(self, pyramid: nn.Module, dtype: torch.dtype):
        super().__init__()
        weights, pooled, bias = _merge(pyramid)
        self.rates = ATROUS_RATES if isinstance(pyramid, AtrousPyramid) else SUMMED_RATES
        centres = torch.stack([weight[:, :, 1, 1] for weight in weights]).sum(dim=0)
        for weight in weights:
            weight[:, :, 1, 1] = 0
        weights[0][:, :, 1, 1] = centres
        self.weights = nn.ParameterList(nn.Parameter(weight.to(dtype), requires_grad=False) for weight in weights)
        self.register_buffer("pooled", pooled)
        self.register_buffer("bias", bias)

    def forward(self, features: Tensor) -> Tensor:
        """Map V_i^r (N, C_vi, H_i, W_i) to V_i^a (N, C, H_i, W_i), in the precision of the weights."""
        constant = F.linear(features.mean(dim=(2, 3)), self.pooled, self.bias)[:, :, None, None]
        features = features.to(self.weights[0].dtype)
        reaching = self._reaching(features)
        if not reaching:
            return F.conv2d(features, self.weights[0][:, :, 1:2, 1:2]) + constant.to(features.dtype)
        parts = (F.conv2d(features, weight, padding=rate, dilation=rate) for rate, weight in reaching)
        return reduce(torch.add, parts) + constant.to(features.dtype)  # last, so that runtimes fuse the sums

    def mean(self, features: Tensor) -> Tensor:
        """Compute the spatial mean of `forward`, float32 (N, C), at the cost of a few sums of the features."""
        reaching = self._reaching(features)
        means = tap_means(features, tuple(rate for rate, _ in reaching))
        centre = len(reaching)
        summed = F.linear(means[:, :, centre, centre], self.pooled, self.bias)
        if not reaching:
            return summed + F.linear(means[:, :, 0, 0], self.weights[0][:, :, 1, 1].float())
        for k, (_, weight) in enumerate(reaching, start=1):
            seen = means[:, :, centre - k : centre + k + 1 : k, centre - k : centre + k + 1 : k]
            # Channels last, so that the weights are not copied.
            rows = [part.permute(0, 2, 3, 1).flatten(1) for part in (seen.to(weight.dtype), weight)]
            summed = summed + (rows[0] @ rows[1].mT).float()
        return summed

    def _reaching(self, features: Tensor) -> list[tuple[int, Tensor]]:
        """Rates whose outer taps see a part of the map, with their weights; the first weight has the centre."""
        return [(rate, weight) for rate, weight in zip(self.rates, self.weights) if rate < max(features.shape[2:])]


def _merge(pyramid: nn.Module) -> tuple[list[Tensor], Tensor, Tensor]:
    """Weights of the dilated convolutions [(C, C_vi, 3, 3)] with the point branch in the first one's centre, of the mean
    (C, C_vi), and the bias (C,) of a pyramid."""
    convolutions = [conv for conv in pyramid.atrous]  # type: ignore[union-attr]
    if isinstance(pyramid, SummedPyramid):
        bias = torch.stack([conv.bias for conv in convolutions]).sum(dim=0)
        weights = [conv.weight.clone() for conv in convolutions]
        return weights, weights[0].new_zeros(weights[0].shape[:2]), bias
    assert isinstance(pyramid, AtrousPyramid)
    channels = len(pyramid.project.weight)
    parts = pyramid.project.weight[:, :, 0, 0].double().split(channels, dim=1)
    branches = [pyramid.pooled, pyramid.point, *convolutions]
    bias = pyramid.project.bias.double() + sum(part @ conv.bias.double() for part, conv in zip(parts, branches))  # type: ignore[union-attr]
    merged = [torch.einsum("oc,cikl->oikl", part, conv.weight.double()) for part, conv in zip(parts, branches)]
    merged[2][:, :, 1, 1] += merged[1][:, :, 0, 0]
    return [weight.float() for weight in merged[2:]], merged[0][:, :, 0, 0].float(), bias.float()


class FoldedFusion(nn.Module):
    """`CrossModalNonLocal` in eval mode, with one product per pixel."""

    scale: Tensor
    shift: Tensor

    def __init__(self, fusion: CrossModalNonLocal):
        super().__init__()
        self.audio, self.theta1, self.theta2 = fusion.audio, fusion.theta1, fusion.theta2
        self.theta3, self.theta4, self.layer_norm = fusion.theta3, fusion.theta4, fusion.layer_norm
        norm, bias = fusion.batch_norm, fusion.theta4.bias
        scale = torch.ones_like(bias) if norm is None else norm.weight / (norm.running_var + norm.eps).sqrt()  # type: ignore[operator, union-attr]
        self.register_buffer("scale", scale)
        self.register_buffer("shift", bias if norm is None else (bias - norm.running_mean) * scale + norm.bias)  # type: ignore[operator]

    contribute = CrossModalNonLocal.contribute
    attention = CrossModalNonLocal.attention
    batch_norm = None

    def forward(self, visual: Tensor, context: Tensor) -> Tensor:
        """As `CrossModalNonLocal.forward`, in the precision of `visual`."""
        back = context @ (self.theta4.weight * self.scale[:, None]).mT  # N C' C
        response = (self.theta1.weight.mT @ back).to(visual.dtype)  # N C C
        constant = ((self.theta1.bias @ back) + self.shift)[:, None].to(visual.dtype)  # N 1 C
        query = visual.movedim(1, -1)  # N H W C
        positions = query.flatten(1, 2)
        fused = torch.baddbmm(positions, positions, response) + constant
        if self.layer_norm is not None:
            fused = self.layer_norm(fused.float()).to(visual.dtype)
        return fused.view_as(query).movedim(-1, 1)


def _convolution(conv: nn.Conv2d, align_corners: bool, dtype: torch.dtype) -> nn.Module:
    """Return the faster form of a convolution of an upsampled map."""
    form = UpsampledConv if conv.in_channels >= WORTHWHILE_CHANNELS[dtype] else ConvOfUpsampled
    return form(copy.deepcopy(conv), align_corners=align_corners).to(dtype)


def _residual(unit: nn.Module, stage: int, dtype: torch.dtype) -> ResidualConv:
    """Return a copy of a `ResidualConv` of a stage (0 is the finest), with the faster form of its convolutions."""
    assert isinstance(unit, ResidualConv)
    prepared = copy.deepcopy(unit).to(dtype)
    if dtype == torch.float32 and stage < FINE_STAGES and prepared.first.in_channels >= WORTHWHILE_WINOGRAD:
        prepared.first, prepared.second = WinogradConv(prepared.first), WinogradConv(prepared.second)  # type: ignore[assignment]
    return prepared


class PreparedDecoder(nn.Module):
    """`Decoder` with Winograd's convolutions, and a head that convolves before it upsamples, where that is faster."""

    def __init__(self, decoder: Decoder, dtype: torch.dtype):
        super().__init__()
        self.align_corners = decoder.align_corners
        # Copies, because a module of another precision must not change the original.
        self.lateral, self.merge = (
            nn.ModuleList(_residual(unit, stage, dtype) for stage, unit in enumerate(units))
            for units in (decoder.lateral, decoder.merge)
        )
        self.reduce = _convolution(decoder.reduce, decoder.align_corners, dtype)
        self.refine = _convolution(decoder.refine, False, dtype)
        self.classify = copy.deepcopy(decoder.classify).to(dtype)

    def forward(self, maps: list[Tensor], size: tuple[int, int]) -> Tensor:
        """As `Decoder.forward`; the logits are float32."""
        merged = self.merge[-1](maps[-1])
        for stage in reversed(range(len(maps) - 1)):
            finer = (maps[stage].shape[2], maps[stage].shape[3])
            merged = upsample(merged, finer, align_corners=self.align_corners) + self.lateral[stage](maps[stage])
            merged = self.merge[stage](merged)
        reduced = self.reduce(merged, (size[0] // 2, size[1] // 2))
        fine = F.relu(self.refine(reduced, size))
        return F.conv2d(fine, self.classify.weight, self.classify.bias).squeeze(1).float()
