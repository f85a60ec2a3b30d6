"""Conversion of YAMNet's public TFLite file, whose weights have 8 bits, and its class names."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from c3n_model.environment import install_command
from c3n_model.network.audio.yamnet import CHANNELS, NUM_CLASSES

LABELS = "yamnet_label_list.txt"  # packed behind the network


def read_labels(path: Path) -> list[str]:
    """Read the names of the 521 classes, in order. Raises ValueError for a file that does not contain them."""
    try:
        with zipfile.ZipFile(path) as packed:
            names = packed.read(LABELS).decode("utf-8").splitlines()
    except (zipfile.BadZipFile, KeyError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path} is not YAMNet's classifier with its labels in {LABELS}: {error}; get it again"
        ) from error
    if len(names) != NUM_CLASSES:
        raise ValueError(f"expected {NUM_CLASSES} labels in {path}, got {len(names)}; get it again")
    return names


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read the weights as a state dict of `YAMNet`, float32; shapes are not checked.

    Raises:
        ValueError: a damaged file, another network, or LiteRT is not installed.
    """
    constants = _constants(path)
    maps, rows, biases = ([values for values in constants if values.ndim == dimensions] for dimensions in (4, 2, 1))
    expected = 2 * len(CHANNELS) - 1
    if (len(maps), len(rows), len(biases)) != (expected, 1, expected + 1):
        raise ValueError(
            f"{path} is not YAMNet's classifier: expected weights of {expected} convolutions and a linear layer, got "
            f"{len(maps)} and {len(rows)}; get it again"
        )
    state = {"classifier.weight": rows[0], "classifier.bias": biases[-1]}
    for index, (weight, bias) in enumerate(zip(maps, biases)):
        # TFLite: out, height, width, in; of depthwise convolutions, which are every other one, 1, height, width, channels
        order = (3, 0, 1, 2) if index % 2 else (0, 3, 1, 2)
        state |= {
            f"layers.{index}.convolution.weight": weight.transpose(order),
            f"layers.{index}.convolution.bias": bias,
        }
    return {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in state.items()}


def _constants(path: Path) -> list[np.ndarray]:
    """Return the quantised constants of a TFLite file in the order of its layers, as float32."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise ValueError(f"{path} needs LiteRT: {install_command('zero-shot')}") from error
    try:
        interpreter = Interpreter(model_path=str(path))
        details = interpreter.get_tensor_details()
    except (ValueError, RuntimeError) as error:
        raise ValueError(f"{path} cannot be read as a TFLite file: {error}; get it again") from error
    constants = []
    for detail in details:
        try:
            values = interpreter.get_tensor(detail["index"])
        except ValueError:  # a value that exists only while the network runs
            continue
        scales = detail["quantization_parameters"]["scales"]
        if len(scales):
            axis = detail["quantization_parameters"]["quantized_dimension"]
            shape = [-1 if axis == each and len(scales) > 1 else 1 for each in range(values.ndim)]
            constants.append(values.astype(np.float32) * scales.reshape(shape))
    return constants
