"""Segmenters as a second visual vocabulary: classes that come with their masks, people among them.

A segmenter maps frames (N, 3, H, W) in [0, 1] to masks (N, classes, h, w) in [0, 1] and says its `labels`. Any ONNX or TFLite
file of a semantic segmenter will do, with a label file beside it; or torchvision's Mask R-CNN (`torchvision_detectors.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from c3n_model.zero_shot.label_files import read_labels
from c3n_model.zero_shot.runtimes import PictureNetwork, open_network, pictures_of

UNLABELLED = 255  # the class of pixels to ignore, by the custom of Pascal VOC


class Segmenter(Protocol):
    """What the zero-shot network needs of a segmenter."""

    labels: tuple[str, ...]

    def __call__(self, frames: Tensor) -> Tensor:
        """frames (N, 3, H, W) in [0, 1] -> masks (N, classes, h, w) in [0, 1]."""


def open_segmenter(path: Path, labels: Path) -> Segmenter:
    """The segmenter in a .tflite or .onnx file, whose classes `labels` names, one a line, in order.

    Raises:
        FileNotFoundError: either is missing. ValueError: a file of another kind, or whose input is no picture or whose
        output does not fit the labels; or its runtime is not installed, the message says which.
    """
    for file in (path, labels):
        if not file.is_file():
            raise FileNotFoundError(
                f"no such file: {file}; a segmenter is a .tflite or .onnx file and a text of labels"
            )
    names = read_labels(labels)
    return FileSegmenter(path, open_network(path), names)


class FileSegmenter:
    """A network in a file (DeepLab and the like). Its first output is a class a pixel, (1, h, w) with an axis of length 1 or
    without, or a score for each class, as logits or as probabilities that sum to one: (1, h, w, classes) in a TFLite file,
    (1, classes, h, w) in an ONNX file. Float input is in [-1, 1] in a TFLite file and normalised as torchvision does in an
    ONNX file."""

    def __init__(self, path: Path, network: PictureNetwork, labels: tuple[str, ...]):
        output = network.outputs[0]
        self._network, self._axis, self.labels = network, network.class_axis, labels
        self._values = "symmetric" if network.class_axis == -1 else "imagenet"
        _check_output(path, output.shape, output.dtype, len(labels), self._axis)

    def __call__(self, frames: Tensor) -> Tensor:
        """See `Segmenter`; frame by frame."""
        masks = []
        for picture in pictures_of(frames, self._network.size):
            output = self._network(picture, self._values)[0]
            if output.ndim == 4:
                is_map = output.shape[self._axis] == 1
                output = output.squeeze(self._axis) if is_map else np.moveaxis(output, self._axis, 1)
            masks.append(_as_masks(torch.from_numpy(output[0]), len(self.labels)))
        return torch.stack(masks).to(frames.device)


def _as_masks(output: Tensor, classes: int) -> Tensor:
    """A class a pixel (h, w), or scores (classes, h, w), as masks (classes, h, w) in [0, 1]. A pixel whose class has no
    label, such as the 255 that marks pixels to ignore, is in no mask."""
    if output.ndim == 2:
        found = output[output != UNLABELLED]
        if len(found) and found.max() >= classes:
            raise ValueError(
                f"the segmenter found class {int(found.max())}, but its label file names {classes} classes; it is of another model"
            )
        return (output[None] == torch.arange(classes)[:, None, None]).float()
    output = output.float()
    is_probability = output.min() >= 0 and (output.sum(dim=0) - 1).abs().max() < 1e-3
    return output if is_probability else output.softmax(dim=0)


def _check_output(path: Path, shape: tuple, dtype, classes: int, channels_at: int) -> None:
    """Scores for each class must be as many as labels; a class a pixel says nothing of their number."""
    is_class_map = np.issubdtype(dtype, np.integer) and (len(shape) == 3 or shape[channels_at] == 1)
    if not is_class_map and (len(shape) != 4 or shape[channels_at] != classes):
        raise ValueError(
            f"{path} gives {shape} {np.dtype(dtype)}, which does not fit {classes} labels; expected a class a pixel or "
            "a score for each label"
        )
