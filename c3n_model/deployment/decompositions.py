"""How operations are written in a static graph: by operations that every runtime has, in the form that runtimes compute fastest."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

aten = torch.ops.aten


def decompositions() -> dict[torch._ops.OpOverload, Callable]:
    """The table for `make_fx`."""
    from torch._decomp import core_aten_decompositions

    table = dict(core_aten_decompositions())
    for known in (aten.reflection_pad1d.default, aten.upsample_bilinear2d.default):
        table.pop(known, None)  # ONNX has it, and the decomposition gathers every sample
    table |= {
        aten.convolution_backward.default: convolution_backward,
        aten.avg_pool2d_backward.default: mean_pool_backward,
        aten.as_strided_.default: restride,
        aten.gelu.default: gelu,
        aten.gelu_backward.default: gelu_backward,
        aten._safe_softmax.default: _softmax,
    }
    return table


def gelu(features: Tensor, approximate: str = "none") -> Tensor:
    """GELU in the order of operations that runtimes recognise and fuse; its approximation stays as it is."""
    if approximate != "none":
        return NotImplemented
    return features * (torch.erf(features / math.sqrt(2)) + 1) * 0.5


def gelu_backward(gradient: Tensor, features: Tensor, *, approximate: str = "none") -> Tensor:
    """The gradient of `gelu`: with u = x / sqrt(2) its slope is (1 + erf(u)) / 2 + u exp(-u^2) / sqrt(pi)."""
    if approximate != "none":
        return NotImplemented
    scaled = features * math.sqrt(0.5)
    density = scaled * torch.exp(math.log(2 / math.sqrt(math.pi)) - scaled * scaled)
    return gradient * ((torch.erf(scaled) + density) * 0.5 + 0.5)


def _softmax(scores: Tensor, dim: int, dtype: torch.dtype | None = None) -> Tensor:
    """Softmax without a case for rows that are masked altogether, of which no encoder has any."""
    return aten._softmax(scores, dim, False)


def restride(values: Tensor, size: list[int], stride: list[int], storage_offset: int | None = None) -> Tensor:
    """The strides that pooling to one pixel sets for a map of channels last (ConvNeXt): no value moves, and a graph has none."""
    expected = torch.empty(size, device="meta").stride()
    moves = any(count > 1 and given != usual for count, given, usual in zip(size, stride, expected, strict=True))
    if moves or storage_offset or list(values.shape) != list(size):
        raise NotImplementedError(
            f"as_strided_ of {tuple(values.shape)} to {size}, strides {stride}, has no static form"
        )
    return values


def convolution_backward(
    gradient: Tensor, inputs: Tensor, weight: Tensor, bias_sizes: list[int] | None, stride: list[int], padding: list[int],
    dilation: list[int], transposed: bool, output_padding: list[int], groups: int, wanted: list[bool],
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:  # fmt: skip
    """The gradient of a convolution with respect to its input, as a transposed convolution. Weights are frozen.

    Without strides that is a convolution with the mirrored kernels, which runtimes compute several times faster.
    """
    assert not transposed and wanted[0] and not any(wanted[1:])
    reach = [(kernel - 1) * step for kernel, step in zip(weight.shape[2:], dilation, strict=True)]
    if stride == [1, 1] and all(pad <= most for pad, most in zip(padding, reach)):
        mirrored = weight.unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1).flip(2, 3)
        outer = [most - pad for pad, most in zip(padding, reach)]
        return aten.convolution(gradient, mirrored, None, stride, outer, dilation, False, [0, 0], groups), None, None
    missing = [
        size - ((out - 1) * step - 2 * pad + reach * (kernel - 1) + 1)
        for size, out, step, pad, reach, kernel in zip(
            inputs.shape[2:], gradient.shape[2:], stride, padding, dilation, weight.shape[2:], strict=True
        )
    ]
    found = aten.convolution(gradient, weight, None, stride, padding, dilation, True, missing, groups)
    return found, None, None


def mean_pool_backward(
    gradient: Tensor, inputs: Tensor, kernel: list[int], stride: list[int], padding: list[int], ceil_mode: bool,
    count_include_pad: bool, divisor: int | None,
) -> Tensor:  # fmt: skip
    """The gradient of average pooling: every output's share, spread over its window by a transposed convolution of ones."""
    pool, stride = aten.avg_pool2d.default, stride or kernel
    height, width = inputs.shape[2:]
    ones = torch.ones(1, 1, height, width)
    inside = pool(ones, kernel, stride, padding, ceil_mode, count_include_pad, 1)  # positions of each window in the map
    share = pool(ones, kernel, stride, padding, ceil_mode, count_include_pad, divisor) / inside
    channels = inputs.shape[1]
    spread = aten.convolution(
        gradient * share, torch.ones(channels, 1, *kernel), None, stride, [0, 0], [1, 1], True, [0, 0], channels
    )
    spread = spread[:, :, padding[0] : padding[0] + height, padding[1] : padding[1] + width]
    missing = (0, width - spread.shape[3], 0, height - spread.shape[2])
    return aten.constant_pad_nd(spread, list(missing)) if any(missing) else spread
