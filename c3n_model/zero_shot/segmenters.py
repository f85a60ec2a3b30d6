"""Semantic segmenters, a second set of visual classes, with masks and including people.

A segmenter maps frames (N, 3, H, W) in [0, 1] to masks (N, classes, h, w) in [0, 1] and has `labels`. It is an ONNX or TFLite
file with a label file, or torchvision's Mask R-CNN (`torchvision_detectors.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from c3n_model.zero_shot.label_files import read_labels
from c3n_model.zero_shot.runtimes import PictureNetwork, open_network, pictures_of

UNLABELLED = 255  # the class of pixels to ignore, as in Pascal VOC


class Segmenter(Protocol):
    """Interface of a segmenter for the zero-shot network."""

    labels: tuple[str, ...]

    def __call__(self, frames: Tensor) -> Tensor:
        """Segment frames (N, 3, H, W) in [0, 1]; returns masks (N, classes, h, w) in [0, 1]."""


def open_segmenter(path: Path, labels: Path) -> Segmenter:
    """Open the segmenter in a .tflite or .onnx file; the file `labels` names its classes, one per line, in order.

    Raises:
        FileNotFoundError: one of the files is missing. ValueError: a file of the wrong type, an input that is not an image,
        an output that does not match the labels, or a runtime that is not installed; the message names it.
    """
    for file in (path, labels):
        if not file.is_file():
            raise FileNotFoundError(
                f"no such file: {file}; a segmenter is a .tflite or .onnx file and a text file of labels"
            )
    names = read_labels(labels)
    return FileSegmenter(path, open_network(path), names)


class FileSegmenter:
    """A segmenter from a file, such as DeepLab.

    Its first output has one class per pixel, (1, h, w) with or without an axis of length 1, or a score per class, logits or
    probabilities that sum to one: (1, h, w, classes) in a TFLite file, (1, classes, h, w) in an ONNX file. Float input is in
    [-1, 1] for a TFLite file and normalised as in torchvision for an ONNX file.
    """

    def __init__(self, path: Path, network: PictureNetwork, labels: tuple[str, ...]):
        output = network.outputs[0]
        self._network, self._axis, self.labels = network, network.class_axis, labels
        self._values = "symmetric" if network.class_axis == -1 else "imagenet"
        _check_output(path, output.shape, output.dtype, len(labels), self._axis)

    def __call__(self, frames: Tensor) -> Tensor:
        """Implement `Segmenter`, frame by frame."""
        masks = []
        for picture in pictures_of(frames, self._network.size):
            output = self._network(picture, self._values)[0]
            if output.ndim == 4:
                is_map = output.shape[self._axis] == 1
                output = output.squeeze(self._axis) if is_map else np.moveaxis(output, self._axis, 1)
            masks.append(_as_masks(torch.from_numpy(output[0]), len(self.labels)))
        return torch.stack(masks).to(frames.device)


def _as_masks(output: Tensor, classes: int) -> Tensor:
    """Convert a class map (h, w) or scores (classes, h, w) to masks (classes, h, w) in [0, 1]. Pixels of class UNLABELLED are
    in no mask. Raises ValueError for a class without a label."""
    if output.ndim == 2:
        found = output[output != UNLABELLED]
        if len(found) and found.max() >= classes:
            raise ValueError(
                f"the segmenter returned class {int(found.max())}, but its label file names {classes} classes; use the label "
                "file of this model"
            )
        return (output[None] == torch.arange(classes)[:, None, None]).float()
    output = output.float()
    is_probability = output.min() >= 0 and (output.sum(dim=0) - 1).abs().max() < 1e-3
    return output if is_probability else output.softmax(dim=0)


def _check_output(path: Path, shape: tuple, dtype, classes: int, channels_at: int) -> None:
    """Check that there is a score for each label; for a class map the number of classes is unknown."""
    is_class_map = np.issubdtype(dtype, np.integer) and (len(shape) == 3 or shape[channels_at] == 1)
    if not is_class_map and (len(shape) != 4 or shape[channels_at] != classes):
        raise ValueError(
            f"{path} has the output {shape} {np.dtype(dtype)}, which does not match {classes} labels; expected one class per "
            "pixel or a score per label"
        )
