"""Winograd's convolution in an ONNX graph that is loaded for a CPU (`network.winograd_conv` explains it).

The file itself keeps plain convolutions: a GPU's runtime chooses their form, and ONNX has no operation for this one.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

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
    from onnx import ModelProto, NodeProto

WORTHWHILE_SIZE = 24  # pixels of a map's shorter side
PLAIN = {"group": 1, "strides": [1, 1], "dilations": [1, 1], "pads": [1, 1, 1, 1], "auto_pad": b"NOTSET"}


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
    from onnx import numpy_helper

    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    shapes = {
        value.name: tuple(size.dim_value for size in value.type.tensor_type.shape.dim)
        for value in (*graph.value_info, *graph.output)
    }
    nodes, rewritten = [], 0
    for node in graph.node:
        shape = shapes.get(node.output[0], ())
        weight = constants.get(node.input[1]) if node.op_type == "Conv" and len(node.input) == 3 else None
        if weight is None or not _pays(node, tuple(weight.dims), shape):
            nodes.append(node)
            continue
        part = _Part(node.name or node.output[0])
        part.convolve(node.input[0], numpy_helper.to_array(weight), node.input[2], shape, node.output[0])
        nodes += part.nodes
        graph.initializer.extend(part.constants)
        rewritten += 1
    del graph.node[:]
    graph.node.extend(nodes)
    _drop_unused(graph)
    return rewritten


def _pays(node: NodeProto, weight: tuple[int, ...], output: tuple[int, ...]) -> bool:
    from onnx.helper import get_attribute_value

    given = {attribute.name: get_attribute_value(attribute) for attribute in node.attribute}
    wide = weight[2:] == (TAPS, TAPS) and min(weight[:2]) >= WORTHWHILE_CHANNELS
    known = len(output) == 4 and min(output) > 0
    return wide and known and min(output[2:]) >= WORTHWHILE_SIZE and PLAIN | given == given | PLAIN


def _drop_unused(graph: Any) -> None:
    used = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


class _Part:
    """Nodes and constants in place of one convolution, named after it."""

    def __init__(self, name: str):
        self.name, self.nodes, self.constants = name, [], []  # type: ignore[var-annotated]

    def convolve(self, maps: str, weight: np.ndarray, bias: str, shape: tuple[int, ...], result: str) -> None:
        """As `WinogradConv.forward`. `weight` (C_out, C_in, 3, 3); `shape` (N, C_out, H, W) is that of `result`."""
        wide = weight.shape[1]
        last = self.reshape(self.add("Transpose", maps, perm=[0, 2, 3, 1]), -1, wide)
        padded = self.add("Concat", last, self.constant(np.zeros((1, wide), np.float32)), axis=0)
        seen, tile_of = _patches(shape)
        patches = self.add("Gather", padded, self.integers(seen), axis=0)  # 36, tiles, C_in
        sums = self.add("MatMul", self.constant(two_dimensional(SIGNALS)), self.reshape(patches, PATCH**2, -1))
        sums = self.reshape(sums, PATCH**2, -1, wide)
        products = self.reshape(self.add("MatMul", sums, self.constant(kernel_products(weight))), PATCH**2, -1)
        tiles = self.add("MatMul", self.constant(two_dimensional(OUTPUTS)), products)
        found = self.add("Gather", self.reshape(tiles, -1, len(weight)), self.integers(tile_of), axis=0)  # N H W C_out
        self.add("Transpose", self.add("Add", found, bias), result=result, perm=[0, 3, 1, 2])

    def add(self, operation: str, *inputs: str, result: str | None = None, **attributes: Any) -> str:
        """Append a node; return the name of its output."""
        from onnx.helper import make_node

        name = f"{self.name}/winograd_{len(self.nodes)}"
        self.nodes.append(make_node(operation, list(inputs), [result or name], name=name, **attributes))
        return result or name

    def reshape(self, values: str, *shape: int) -> str:
        """Append a Reshape."""
        return self.add("Reshape", values, self.integers(shape))

    def integers(self, values: Any) -> str:
        """Add a constant of int64; return its name."""
        return self.constant(np.asarray(values, np.int64))

    def constant(self, values: np.ndarray) -> str:
        """Add a constant; return its name."""
        from onnx import numpy_helper

        name = f"{self.name}/winograd_constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name


def _patches(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return, for maps of `shape` (N, C, H, W), where the patches of all tiles lie, int64 (36, tiles), in N H W positions with a zero
    after the last one; and where each of these positions lies in the outputs of all tiles (16, tiles), int64 (N, H, W)."""
    frames, _, height, width = shape
    rows, columns = -(-height // TILE), -(-width // TILE)
    size = (frames, rows * TILE + PATCH - TILE, columns * TILE + PATCH - TILE)
    positions = np.full(size, frames * height * width)
    positions[:, 1 : height + 1, 1 : width + 1] = np.arange(frames * height * width).reshape(frames, height, width)
    windows = np.lib.stride_tricks.sliding_window_view(positions, (PATCH, PATCH), axis=(1, 2))[:, ::TILE, ::TILE]
    seen = windows.transpose(3, 4, 0, 1, 2).reshape(PATCH**2, -1)
    order = np.arange(TILE**2 * seen.shape[1]).reshape(TILE, TILE, frames, rows, columns)
    tile_of = order.transpose(2, 3, 0, 4, 1).reshape(frames, rows * TILE, columns * TILE)
    return seen, tile_of[:, :height, :width]
