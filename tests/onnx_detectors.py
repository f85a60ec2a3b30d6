"""Tiny ONNX detectors: a picture goes in, given arrays come out, times the mean of the picture where that is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def write_detector(
    path: Path,
    outputs: Mapping[str, np.ndarray],
    *,
    scaled: str = "",
    input_shape: tuple = (1, 3, 8, 8),
    input_type: int = TensorProto.FLOAT,
) -> Path:
    """Write a network that puts out `outputs` whatever it sees, the one called `scaled` times the mean of its input."""
    nodes = [
        helper.make_node("Cast", ["picture"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["real"], ["mean"], keepdims=0),
    ]
    infos, constants = [], []
    for name, array in outputs.items():
        constants.append(numpy_helper.from_array(array, f"{name}_constant"))
        step = ("Mul", [f"{name}_constant", "mean"]) if name == scaled else ("Identity", [f"{name}_constant"])
        nodes.append(helper.make_node(*step, [name]))
        infos.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape))
    picture = helper.make_tensor_value_info("picture", input_type, input_shape)
    graph = helper.make_graph(nodes, "detector", [picture], infos, constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def write_labels(path: Path, names) -> Path:
    path.write_text("\n".join(names) + "\n")
    return path
