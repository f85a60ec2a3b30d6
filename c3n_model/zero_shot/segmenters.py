"""Segmenters as a second visual vocabulary: classes that come with their masks, people among them.

A segmenter maps frames (N, 3, H, W) in [0, 1] to masks (N, classes, h, w) in [0, 1] and says its `labels`. Any ONNX or TFLite
file of a semantic segmenter will do, with a label file beside it; or torchvision's Mask R-CNN, trained on COCO.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from c3n_model.network.fusion import upsample

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
INSTANCE_SCORE = 0.5  # detections below it are left out


class Segmenter(Protocol):
    """What the zero-shot network needs of a segmenter."""

    labels: tuple[str, ...]

    def __call__(self, frames: Tensor) -> Tensor:
        """frames (N, 3, H, W) in [0, 1] -> masks (N, classes, h, w) in [0, 1]."""


def open_segmenter(path: Path, labels: Path) -> Segmenter:
    """The segmenter in a .tflite or .onnx file, whose classes `labels` names, one a line, in order.

    Raises:
        FileNotFoundError: either is missing. ValueError: a file of another kind, or whose output does not fit the labels.
        ImportError: the runtime is not installed; the message says which.
    """
    for file in (path, labels):
        if not file.is_file():
            raise FileNotFoundError(
                f"no such file: {file}; a segmenter is a .tflite or .onnx file and a text of labels"
            )
    names = _read_labels(labels)
    if path.suffix == ".tflite":
        return TFLiteSegmenter(path, names)
    if path.suffix == ".onnx":
        return OnnxSegmenter(path, names)
    raise ValueError(f"{path} is no segmenter that can be opened; expected a .tflite or .onnx file")


class TFLiteSegmenter:
    """A TFLite file (DeepLab and the like) by Google's ai-edge-litert, on the CPU: input (1, h, w, 3) uint8 RGB or float in
    [-1, 1]; output a class a pixel (1, h, w), or a score for each class (1, h, w, classes)."""

    def __init__(self, path: Path, labels: tuple[str, ...], threads: int = 2):
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise ImportError(f"{path} needs the TFLite runtime: pip install ai-edge-litert") from error
        try:
            self._interpreter = Interpreter(str(path), num_threads=threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ValueError(f"{path} is no TFLite model ({str(error).splitlines()[0]})") from error
        self._input, self._output = self._interpreter.get_input_details()[0], self._interpreter.get_output_details()[0]
        self.labels = labels
        _check_output(path, tuple(self._output["shape"]), self._output["dtype"], len(labels), channels_at=-1)

    def __call__(self, frames: Tensor) -> Tensor:
        """See `Segmenter`; frame by frame."""
        size, dtype = tuple(int(side) for side in self._input["shape"][1:3]), self._input["dtype"]
        pictures = upsample(frames, size).permute(0, 2, 3, 1).cpu().numpy()
        pictures = np.round(pictures * 255).astype(np.uint8) if dtype == np.uint8 else pictures * 2 - 1
        masks = []
        for picture in pictures:
            self._interpreter.set_tensor(self._input["index"], picture[None].astype(dtype, copy=False))
            self._interpreter.invoke()
            output = torch.from_numpy(self._interpreter.get_tensor(self._output["index"])[0].astype(np.float32))
            masks.append(_as_masks(output.movedim(-1, 0) if output.ndim == 3 else output, len(self.labels)))
        return torch.stack(masks).to(frames.device)


class OnnxSegmenter:
    """An ONNX file by onnxruntime: input (1, 3, h, w) float, normalised as torchvision does; output a class a pixel
    (1, h, w) or (1, 1, h, w), or a score for each class (1, classes, h, w)."""

    def __init__(self, path: Path, labels: tuple[str, ...]):
        try:
            import onnxruntime
        except ImportError as error:
            raise ImportError(f"{path} needs onnxruntime: pip install onnxruntime") from error
        try:
            self._session = onnxruntime.InferenceSession(str(path), providers=onnxruntime.get_available_providers())
        except Exception as error:  # onnxruntime's exceptions share no public base
            raise ValueError(f"{path} is no ONNX model ({str(error).splitlines()[0]})") from error
        self._input, output = self._session.get_inputs()[0], self._session.get_outputs()[0]
        self.labels = labels
        dtype = np.int64 if "int" in output.type else np.float32
        _check_output(path, tuple(output.shape), dtype, len(labels), channels_at=1)

    def __call__(self, frames: Tensor) -> Tensor:
        """See `Segmenter`; frame by frame."""
        height, width = (side if isinstance(side, int) else 512 for side in self._input.shape[2:])
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
        pictures = ((upsample(frames, (height, width)).cpu() - mean) / std).numpy()
        masks = []
        for picture in pictures:
            output = torch.from_numpy(
                self._session.run(None, {self._input.name: picture[None]})[0][0].astype(np.float32)
            )
            masks.append(_as_masks(output[0] if output.ndim == 3 and len(output) == 1 else output, len(self.labels)))
        return torch.stack(masks).to(frames.device)


class MaskRCNN(nn.Module):
    """torchvision's Mask R-CNN: COCO's classes, instance masks; a class's mask is the union of its instances."""

    def __init__(self, name: str = "maskrcnn_resnet50_fpn"):
        super().__init__()
        from torchvision.models import get_model
        from torchvision.models.detection import MaskRCNN_ResNet50_FPN_Weights

        self.labels = tuple(MaskRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"])
        self.network = get_model(name, weights=None, weights_backbone=None, num_classes=len(self.labels)).eval()

    @torch.no_grad()
    def forward(self, frames: Tensor) -> Tensor:
        """See `Segmenter`."""
        masks = frames.new_zeros(len(frames), len(self.labels), *frames.shape[2:])
        for index, found in enumerate(self.network(list(frames))):
            for label, score, mask in zip(found["labels"], found["scores"], found["masks"][:, 0], strict=True):
                if score >= INSTANCE_SCORE:
                    masks[index, label] = torch.maximum(masks[index, label], score * mask)
        return masks


def _as_masks(output: Tensor, classes: int) -> Tensor:
    """A class a pixel (h, w), or scores (classes, h, w), as masks (classes, h, w) in [0, 1]."""
    if output.ndim == 2:
        return F.one_hot(output.long().clamp(0, classes - 1), classes).movedim(-1, 0).float()
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


def _read_labels(path: Path) -> tuple[str, ...]:
    """The lines up to the first empty one; what follows are remarks."""
    names = path.read_text(encoding="utf-8").split("\n\n")[0].splitlines()
    return tuple(name.strip() for name in names if name.strip())
