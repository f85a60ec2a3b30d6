"""A TFLite file of YAMNet's form with random weights: the constants of its layers, and its labels packed behind it."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from c3n_model.network.audio.yamnet import CHANNELS, NUM_CLASSES
from c3n_model.weights.yamnet import LABELS


def quantised(rng: np.random.Generator, shape: tuple[int, ...], axis: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Random 8 bits of a weight, a scale for each place along `axis`, and the axis."""
    return rng.integers(-127, 128, shape, dtype=np.int8), rng.uniform(0.001, 0.01, shape[axis]).astype(np.float32), axis


def constants(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray, int]]:
    """The weights and biases of all layers in order: values, scales and the axis of the scales."""
    layers = [quantised(rng, (CHANNELS[0], 3, 3, 1), 0)]
    for channels, out in zip(CHANNELS, CHANNELS[1:]):
        layers += [quantised(rng, (1, 3, 3, channels), 3), quantised(rng, (out, 1, 1, channels), 0)]
    layers.append((*quantised(rng, (NUM_CLASSES, CHANNELS[-1]), 0)[:1], np.float32([0.01]), 0))
    everything = []
    for weight, scales, axis in layers:
        count = weight.shape[3] if axis == 3 else weight.shape[0]
        bias = rng.integers(-1000, 1000, count, dtype=np.int32)
        everything += [(weight, scales, axis), (bias, 0.1 * scales, 0)]
    return everything


def write_yamnet(path: Path, layers: list[tuple[np.ndarray, np.ndarray, int]], labels: list[str]) -> None:
    """Write the constants as a TFLite file without operators, and the labels behind them if there are any."""
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.buffers, graph.tensors = 3, [schema.BufferT()], []
    graph.inputs, graph.outputs, graph.operators, model.operatorCodes = [], [], [], []
    for index, (values, scales, axis) in enumerate(layers):
        buffer, tensor, quantisation = schema.BufferT(), schema.TensorT(), schema.QuantizationParametersT()
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        quantisation.scale, quantisation.zeroPoint = scales, np.zeros(len(scales), np.int64)
        quantisation.quantizedDimension = axis
        tensor.shape, tensor.buffer, tensor.name = np.int32(values.shape), len(model.buffers), f"constant {index}"
        tensor.type = schema.TensorType.INT8 if values.dtype == np.int8 else schema.TensorType.INT32
        tensor.quantization = quantisation
        model.buffers.append(buffer)
        graph.tensors.append(tensor)
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    packed = io.BytesIO(bytes(builder.Output()))
    if labels:
        with zipfile.ZipFile(packed, "a") as archive:
            archive.writestr(LABELS, "\n".join(labels))
    path.write_bytes(packed.getvalue())
