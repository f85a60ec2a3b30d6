"""Winograd's convolution in an ONNX graph that is loaded for a CPU (`network.winograd_conv` explains it).

The file itself keeps plain convolutions: a GPU's runtime chooses their form, and ONNX has no operation for this one.
A convolution of a map that was upsampled twofold becomes one of the smaller map (`deployment.doubled_conv`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from c3n_model.deployment import doubled_conv
from c3n_model.deployment.graph_part import GraphPart
from c3n_model.network.winograd_conv import (
    OUTPUTS,
    PATCH,
    SIGNALS,
    TAPS,
    TILE,
    WORTHWHILE_CHANNELS,
    kernel_products,
    two_dimensional,
)

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

Shape = tuple[int, ...]  # N C H W

WORTHWHILE_SIZE = 24  # pixels of a map's shorter side
PLAIN = {"group": 1, "strides": [1, 1], "dilations": [1, 1], "pads": [1, 1, 1, 1], "auto_pad": b"NOTSET"}
# Of ONNX's Resize: defaults, and what doubles as torch does. The two kinds of positions differ for maps of one pixel alone.
RESIZE = {"mode": b"nearest", "antialias": 0, "exclude_outside": 0, "coordinate_transformation_mode": b"half_pixel"}
POSITIONS = (b"half_pixel", b"pytorch_half_pixel")
BILINEAR = [RESIZE | {"mode": b"linear", "coordinate_transformation_mode": kind} for kind in POSITIONS]


def read_for_cpu(path: Path) -> bytes:
    """Read an ONNX file, with its convolutions rewritten."""
    import onnx

    model = onnx.load(path)
    rewrite_convolutions(model)
    return model.SerializeToString()


def rewrite_convolutions(model: ModelProto) -> int:
    """Rewrite the 3 x 3 convolutions of `model` that are wide and large enough, in place; return how many.

    A convolution counts only if its weights and bias are constants and its shape is known.
    """
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    shapes = {
        value.name: tuple(size.dim_value for size in value.type.tensor_type.shape.dim)
        for value in (*graph.value_info, *graph.input, *graph.output)
    }
    makers = {name: node for node in graph.node for name in node.output}
    nodes, rewritten = [], 0
    for node in graph.node:
        part = _rewritten(node, constants, shapes, makers)
        nodes += [node] if part is None else part.nodes
        if part is not None:
            graph.initializer.extend(part.constants)
            rewritten += 1
    del graph.node[:]
    graph.node.extend(nodes)
    _drop_unused(graph)
    return rewritten


def _rewritten(
    node: NodeProto, constants: dict[str, TensorProto], shapes: dict[str, Shape], makers: dict[str, NodeProto]
) -> GraphPart | None:
    """Return what takes the place of `node`; None if nothing does."""
    from onnx import numpy_helper

    shape = shapes.get(node.output[0], ())
    weight = constants.get(node.input[1]) if node.op_type == "Conv" and len(node.input) == 3 else None
    if weight is None or not _is_plain(node, tuple(weight.dims), shape):
        return None
    part, taps = GraphPart(node.name or node.output[0]), numpy_helper.to_array(weight)
    wide, before = taps.shape[1], _before_doubling(makers.get(node.input[0]), shapes)
    if before is not None and _pays(wide, len(taps) * 4, before[1]):
        found = _convolve_doubled(part, *before, taps)
    elif _pays(wide, len(taps), shape):
        found = _convolve(part, node.input[0], taps, shape)
    else:
        return None
    part.add("Transpose", part.add("Add", found, node.input[2]), result=node.output[0], perm=[0, 3, 1, 2])
    return part


def _is_plain(node: NodeProto, weight: Shape, output: Shape) -> bool:
    given = _attributes(node)
    known = len(output) == 4 and min(output) > 0
    return weight[2:] == (TAPS, TAPS) and known and PLAIN | given == given | PLAIN


def _pays(channels: int, results: int, shape: Shape) -> bool:
    """Whether Winograd's form of a convolution of so many channels to `results` others does, at the positions of `shape` (N, any, H, W)."""
    return min(channels, results) >= WORTHWHILE_CHANNELS and min(shape[2:]) >= WORTHWHILE_SIZE


def _before_doubling(node: NodeProto | None, shapes: dict[str, Shape]) -> tuple[str, Shape] | None:
    """Return the name and shape of the maps that `node` doubles in height and width by bilinear interpolation; None if it does not."""
    if node is None or node.op_type != "Resize":
        return None
    given = _attributes(node)
    before, after = (shapes.get(name, ()) for name in (node.input[0], node.output[0]))
    doubled = len(before) == 4 and min(before) > 0 and after == (*before[:2], 2 * before[2], 2 * before[3])
    bilinear = {name: given.get(name, usual) for name, usual in RESIZE.items()} in BILINEAR
    return (node.input[0], before) if doubled and bilinear else None


def _attributes(node: NodeProto) -> dict[str, Any]:
    from onnx.helper import get_attribute_value

    return {attribute.name: get_attribute_value(attribute) for attribute in node.attribute}


def _drop_unused(graph: Any) -> None:
    """Leave out constants that no node reads, and upsampling whose result none does."""
    used = {name for node in graph.node for name in node.input} | {value.name for value in graph.output}
    nodes = [node for node in graph.node if node.op_type != "Resize" or node.output[0] in used]
    used = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(kept)


def _convolve(part: GraphPart, maps: str, weight: np.ndarray, shape: Shape) -> str:
    """As `WinogradConv.forward`, but for the bias: the result (N, H, W, C_out) for `weight` (C_out, C_in, 3, 3) and maps
    of `shape` (N, any, H, W)."""
    pixels = part.pixels(maps, weight.shape[1])
    zero = part.constant(np.zeros((1, weight.shape[1]), np.float32))
    beyond = shape[0] * shape[2] * shape[3]
    tiles = _tiles(part, part.add("Concat", pixels, zero, axis=0), _patches(shape, beyond), weight)
    return part.gather(part.reshape(tiles, -1, len(weight)), _places(shape))


def _convolve_doubled(part: GraphPart, maps: str, shape: Shape, weight: np.ndarray) -> str:
    """The same for maps of `shape` that are upsampled twofold before: (N, 2 H, 2 W, C_out)."""
    pixels = part.pixels(maps, weight.shape[1])
    tiles = _tiles(part, pixels, _patches(shape, None), doubled_conv.phase_kernels(weight))
    table = part.reshape(tiles, -1, len(weight))
    return doubled_conv.with_zeros_beyond(part, table, doubled_conv.interleave(_places(shape)), pixels, shape, weight)


def _tiles(part: GraphPart, pixels: str, patches: np.ndarray, weight: np.ndarray) -> str:
    """The 16 outputs of each tile (16, tiles C_out), of `pixels` (any, C_in) at the positions `patches` (36, tiles)."""
    wide = weight.shape[1]
    seen = part.reshape(part.gather(pixels, patches), PATCH**2, -1)
    sums = part.add("MatMul", part.constant(two_dimensional(SIGNALS)), seen)
    products = part.add("MatMul", part.reshape(sums, PATCH**2, -1, wide), part.constant(kernel_products(weight)))
    return part.add("MatMul", part.constant(two_dimensional(OUTPUTS)), part.reshape(products, PATCH**2, -1))


def _patches(shape: Shape, beyond: int | None) -> np.ndarray:
    """Return where the patches of all tiles lie in maps of `shape` (N, C, H, W), int64 (36, tiles), as positions in N H W; outside
    it is `beyond`, None for the nearest position."""
    frames, _, height, width = shape
    positions = np.arange(frames * height * width).reshape(frames, height, width)
    margins = ((0, 0), *((1, -(-size // TILE) * TILE + 1 - size) for size in (height, width)))
    padded = (
        np.pad(positions, margins, "edge") if beyond is None else np.pad(positions, margins, constant_values=beyond)
    )
    windows = np.lib.stride_tricks.sliding_window_view(padded, (PATCH, PATCH), axis=(1, 2))[:, ::TILE, ::TILE]
    return windows.transpose(3, 4, 0, 1, 2).reshape(PATCH**2, -1)


def _places(shape: Shape) -> np.ndarray:
    """Return where each position of maps of `shape` (N, C, H, W) lies in the outputs of all tiles (16, tiles): int64 (N, H, W)."""
    frames, _, height, width = shape
    rows, columns = -(-height // TILE), -(-width // TILE)
    order = np.arange(TILE**2 * frames * rows * columns).reshape(TILE, TILE, frames, rows, columns)
    return order.transpose(2, 3, 0, 4, 1).reshape(frames, rows * TILE, columns * TILE)[:, :height, :width]
