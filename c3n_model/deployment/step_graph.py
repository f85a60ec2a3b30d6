"""One step of a stream as a function without state, and its trace with the gradient of CCAM inside.

    frame uint8 (S, S, 3), snippet (samples,), past (T - 1, 2, 4, C'), count ─► probability (S, S), classes, scores, summary

`past` holds the summaries of the seconds before (`network.c3n.C3N.summarise`), zeros where there is none, and `count` how many
there are: a second of zeros contributes nothing to the sum of Eq. 14, so that only its denominator depends on the count.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.attention import SDPBackend, sdpa_kernel

from c3n_model.deployment.exported import CLASSES, SCORES
from c3n_model.model import Model
from c3n_model.network.audio.spectra import without_fft
from c3n_model.network.c3n import C3N
from c3n_model.network.fusion import join_contributions
from c3n_model.network.prepared import prepare
from c3n_model.network.upsampled_conv import shifted_upsampling


class StepGraph(nn.Module):
    """A step of a prepared C3N for squares of `size` pixels."""

    def __init__(self, network: C3N):
        super().__init__()
        # Channels first: for others torch's pooling sets strides, which a graph cannot.
        self.network = prepare(network).to(memory_format=torch.contiguous_format)

    def forward(self, frame: Tensor, snippet: Tensor, past: Tensor, count: Tensor) -> tuple[Tensor, ...]:
        """Return `exported.OUTPUTS`: float32 (S, S) in [0, 1], int64 (2,) in the order of `CLASSES`, float32 (5,) in that of `SCORES`
        (and a sixth, `exported.AUDIBLE`, if the decoding has it), float32 (2, 4, C')."""
        network = self.network
        frames = frame.permute(2, 0, 1).contiguous()[None].float() / 255
        encoding = network.encode(frames, snippet[None])
        summary = network.summarise(encoding)
        seconds = torch.cat([past, summary])
        context = join_contributions(seconds[None]) * (len(seconds) / (count + 1))
        decoding = network.decode_in_context(encoding, context)
        label = decoding.consensus
        classes = torch.cat([getattr(label, name) for name in CLASSES])
        audible = () if decoding.audible is None else (decoding.audible,)
        scores = torch.cat([*(getattr(label, name) for name in SCORES[:-1]), decoding.presence, *audible])
        return decoding.logits[0].sigmoid(), classes, scores, summary[0]


def example_inputs(model: Model, history: int) -> tuple[Tensor, ...]:
    """Random inputs of the right shapes for a history of T = `history` seconds, one of them past."""
    generator = torch.Generator().manual_seed(0)
    size, network = model.config.image_size, model.network
    frame = torch.randint(0, 256, (size, size, 3), generator=generator, dtype=torch.uint8)
    snippet = 0.1 * torch.randn(model.sample_rate, generator=generator)
    stages = len(network.fusions)
    inner = network.fusions[0].theta1.out_features if stages else 0
    past = torch.zeros(history - 1, 2, stages, inner)
    past[-1:] = 0.1 * torch.randn(past[-1:].shape, generator=generator)
    return frame, snippet, past, torch.tensor(float(min(history - 1, 1)))


@torch.no_grad()
def trace_step(graph: StepGraph, inputs: tuple[Tensor, ...]) -> fx.GraphModule:
    """Trace a step to a static graph of forward operations alone: that of the gradient is part of it."""
    with without_fft(), sdpa_kernel(SDPBackend.MATH):  # the fused attention has a gradient that no runtime knows
        # Not as a module: its parameters are constants of the graph.
        traced = make_fx(lambda *given: graph(*given), decomposition_table=_decompositions())(*inputs)
    return fold_constants(traced).eval()


def fold_constants(traced: fx.GraphModule) -> fx.GraphModule:
    """Compute what depends on no input, such as the kernels of spectra and the masks of upsampling, once. In place."""
    known: dict[fx.Node, Any] = {}
    for node in traced.graph.nodes:
        if node.op == "get_attr":
            known[node] = getattr(traced, node.target)
        elif node.op == "call_function" and all(part in known for part in node.all_input_nodes) and _is_pure(node):
            arguments, options = fx.node.map_arg((node.args, node.kwargs), known.get)
            known[node] = node.target(*arguments, **options)
    for number, (node, value) in enumerate(known.items()):
        if node.op == "call_function" and isinstance(value, Tensor) and any(user not in known for user in node.users):
            name = f"folded_{number}"
            traced.register_buffer(name, value.detach().clone())
            with traced.graph.inserting_before(node):
                constant = traced.graph.get_attr(name)
            node.replace_all_uses_with(constant, delete_user_cb=lambda user: user not in known)
    traced.graph.eliminate_dead_code()
    traced.delete_all_unused_submodules()
    traced.recompile()
    return traced


def _is_pure(node: fx.Node) -> bool:
    return not isinstance(node.target, torch._ops.OpOverload) or not node.target._schema.is_mutable


def _decompositions() -> dict:
    from torch._decomp import core_aten_decompositions

    aten = torch.ops.aten
    table = dict(core_aten_decompositions())
    table[aten.convolution_backward.default] = _convolution_backward
    table[aten.avg_pool2d_backward.default] = _mean_pool_backward
    table[aten.upsample_bilinear2d.default] = _upsample
    table[aten.as_strided_.default] = _restride
    return table


def _restride(values: Tensor, size: list[int], stride: list[int], storage_offset: int | None = None) -> Tensor:
    """The strides that pooling to one pixel sets for a map of channels last (ConvNeXt): no value moves, and a graph has none."""
    expected = torch.empty(size, device="meta").stride()
    moves = any(count > 1 and given != usual for count, given, usual in zip(size, stride, expected, strict=True))
    if moves or storage_offset or list(values.shape) != list(size):
        raise NotImplementedError(
            f"as_strided_ of {tuple(values.shape)} to {size}, strides {stride}, has no static form"
        )
    return values


def _upsample(
    features: Tensor, size: list[int], align_corners: bool, scale_height: float | None = None, scale_width: float | None = None
) -> Tensor:  # fmt: skip
    """Bilinear upsampling as two matrix products; torch's exporter would gather every pixel. Scales follow from the sizes."""
    rows, columns = (
        shifted_upsampling(before, after, align_corners=align_corners)[1]
        for before, after in zip(features.shape[2:], size, strict=True)
    )
    return rows @ (features @ columns.mT)


def _convolution_backward(
    gradient: Tensor, inputs: Tensor, weight: Tensor, bias_sizes: list[int] | None, stride: list[int], padding: list[int],
    dilation: list[int], transposed: bool, output_padding: list[int], groups: int, wanted: list[bool],
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:  # fmt: skip
    """The gradient of a convolution with respect to its input, as a transposed convolution. Weights are frozen."""
    assert not transposed and wanted[0] and not any(wanted[1:])
    missing = [
        size - ((out - 1) * step - 2 * pad + reach * (kernel - 1) + 1)
        for size, out, step, pad, reach, kernel in zip(
            inputs.shape[2:], gradient.shape[2:], stride, padding, dilation, weight.shape[2:], strict=True
        )
    ]
    found = torch.ops.aten.convolution(gradient, weight, None, stride, padding, dilation, True, missing, groups)
    return found, None, None


def _mean_pool_backward(
    gradient: Tensor, inputs: Tensor, kernel: list[int], stride: list[int], padding: list[int], ceil_mode: bool,
    count_include_pad: bool, divisor: int | None,
) -> Tensor:  # fmt: skip
    """The gradient of average pooling: every output's share, spread over its window by a transposed convolution of ones."""
    pool, stride = torch.ops.aten.avg_pool2d.default, stride or kernel
    height, width = inputs.shape[2:]
    ones = torch.ones(1, 1, height, width)
    inside = pool(ones, kernel, stride, padding, ceil_mode, count_include_pad, 1)  # positions of each window in the map
    share = pool(ones, kernel, stride, padding, ceil_mode, count_include_pad, divisor) / inside
    channels = inputs.shape[1]
    spread = torch.ops.aten.convolution(
        gradient * share, torch.ones(channels, 1, *kernel), None, stride, [0, 0], [1, 1], True, [0, 0], channels
    )
    spread = spread[:, :, padding[0] : padding[0] + height, padding[1] : padding[1] + width]
    missing = (0, width - spread.shape[3], 0, height - spread.shape[2])
    return torch.ops.aten.constant_pad_nd(spread, list(missing)) if any(missing) else spread
