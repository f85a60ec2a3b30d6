"""Nodes and constants that take the place of one node of an ONNX graph."""

from __future__ import annotations

from typing import Any

import numpy as np


class GraphPart:
    """Nodes and constants, named after what they replace. Each method returns the name of what it computes."""

    def __init__(self, name: str):
        self.name, self.nodes, self.constants = name, [], []  # type: ignore[var-annotated]

    def add(self, operation: str, *inputs: str, result: str | None = None, **attributes: Any) -> str:
        """Append a node with one output."""
        from onnx.helper import make_node

        name = f"{self.name}/part_{len(self.nodes)}"
        self.nodes.append(make_node(operation, list(inputs), [result or name], name=name, **attributes))
        return result or name

    def pixels(self, maps: str, channels: int) -> str:
        """The pixels of maps (N, C, H, W), a row each: (N H W, C)."""
        return self.reshape(self.add("Transpose", maps, perm=[0, 2, 3, 1]), -1, channels)

    def gather(self, table: str, rows: np.ndarray) -> str:
        """Rows of a table (any, C), in the shape of their numbers `rows`."""
        return self.add("Gather", table, self.integers(rows), axis=0)

    def reshape(self, values: str, *shape: int) -> str:
        return self.add("Reshape", values, self.integers(shape))

    def integers(self, values: Any) -> str:
        """A constant of int64."""
        return self.constant(np.asarray(values, np.int64))

    def constant(self, values: np.ndarray) -> str:
        from onnx import numpy_helper

        name = f"{self.name}/constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name
