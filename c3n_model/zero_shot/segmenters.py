"""Segmenters as a second visual vocabulary: classes that come with their masks, people among them.

A segmenter maps frames (N, 3, H, W) in [0, 1] to masks (N, classes, h, w) in [0, 1] and says its `labels`. Any ONNX or TFLite
file of a semantic segmenter will do, with a label file beside it; or torchvision's Mask R-CNN, trained on COCO.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from c3n_model.network.fusion import upsample

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
ANY_SIZE = 512  # side of the picture for an ONNX file that takes any
UNLABELLED = 255  # the class of pixels to ignore, by the custom of Pascal VOC
INSTANCE_SCORE = 0.5  # detections below it are left out


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
    names = _read_labels(labels)
    if path.suffix == ".tflite":
        return TFLiteSegmenter(path, names)
    if path.suffix == ".onnx":
        return OnnxSegmenter(path, names)
    raise ValueError(f"{path} is no segmenter that can be opened; expected a .tflite or .onnx file")


class TFLiteSegmenter:
    """A TFLite file (DeepLab and the like) by Google's ai-edge-litert, on the CPU: input (1, h, w, 3) RGB as uint8, as int8
    (uint8 less 128) or as float32 in [-1, 1]; output a class a pixel (1, h, w) or (1, h, w, 1), or a score for each class
    (1, h, w, classes)."""

    def __init__(self, path: Path, labels: tuple[str, ...], threads: int = 2):
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise ValueError(f'{path} needs ai-edge-litert: pip install "c3n-ros[zero-shot]"') from error
        try:
            self._interpreter = Interpreter(str(path), num_threads=threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ValueError(f"{path} is no TFLite model ({str(error).splitlines()[0]})") from error
        self._input, self._output = self._interpreter.get_input_details()[0], self._interpreter.get_output_details()[0]
        self.labels = labels
        shape, dtype = tuple(int(side) for side in self._input["shape"]), np.dtype(self._input["dtype"])
        if len(shape) != 4 or shape[-1] != 3 or dtype not in (np.uint8, np.int8, np.float32):
            raise ValueError(f"{path} reads {shape} {dtype}; expected a picture (1, h, w, 3), uint8, int8 or float32")
        output_shape = tuple(int(side) for side in self._output["shape"])
        _check_output(path, output_shape, self._output["dtype"], len(labels), channels_at=-1)

    def __call__(self, frames: Tensor) -> Tensor:
        """See `Segmenter`; frame by frame."""
        size = tuple(int(side) for side in self._input["shape"][1:3])
        masks = []
        for picture in upsample(frames, size).permute(0, 2, 3, 1).cpu().numpy():
            self._interpreter.set_tensor(self._input["index"], self._quantised(picture)[None])
            self._interpreter.invoke()
            output = self._interpreter.get_tensor(self._output["index"])[0]
            if output.ndim == 3:
                output = output[..., 0] if output.shape[-1] == 1 else np.moveaxis(self._real(output), -1, 0)
            masks.append(_as_masks(torch.from_numpy(output), len(self.labels)))
        return torch.stack(masks).to(frames.device)

    def _quantised(self, picture: np.ndarray) -> np.ndarray:
        """A picture (h, w, 3) in [0, 1] as the model reads it."""
        dtype = self._input["dtype"]
        if dtype == np.float32:
            return picture * 2 - 1
        levels = np.round(picture * 255)
        return (levels - 128 if dtype == np.int8 else levels).astype(dtype)

    def _real(self, scores: np.ndarray) -> np.ndarray:
        """Scores as float32, whatever numbers the model counts them in."""
        scale, zero = self._output["quantization"]
        return ((scores.astype(np.float32) - zero) * scale if scale > 0 else scores).astype(np.float32)


class OnnxSegmenter:
    """An ONNX file by onnxruntime, on the CPU: input (1, 3, h, w) float, normalised as torchvision does; output a class a pixel
    (1, h, w) or (1, 1, h, w), or a score for each class (1, classes, h, w), logits or
    probabilities that sum to one."""

    def __init__(self, path: Path, labels: tuple[str, ...]):
        try:
            import onnxruntime
        except ImportError as error:
            raise ValueError(f'{path} needs onnxruntime: pip install "c3n-ros[zero-shot]"') from error
        try:
            self._session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's exceptions share no public base
            raise ValueError(f"{path} is no ONNX model ({str(error).splitlines()[0]})") from error
        self._input, self.labels = self._session.get_inputs()[0], labels
        sides = self._input.shape[2:]  # numbers, or names where any size will do
        self._size = tuple(side if isinstance(side, int) else ANY_SIZE for side in sides)
        try:
            blank = self._run(np.zeros((3, *self._size), np.float32))
        except Exception as error:
            reason = str(error).splitlines()[0]
            raise ValueError(f"{path} does not run on a float picture (1, 3, h, w) ({reason})") from error
        _check_output(path, blank.shape, blank.dtype, len(labels), channels_at=1)

    def __call__(self, frames: Tensor) -> Tensor:
        """See `Segmenter`; frame by frame."""
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
        pictures = ((upsample(frames, self._size).cpu() - mean) / std).numpy()
        masks = []
        for picture in pictures:
            output = self._run(picture)[0]
            output = output[0] if output.ndim == 3 and len(output) == 1 else output
            masks.append(_as_masks(torch.from_numpy(output), len(self.labels)))
        return torch.stack(masks).to(frames.device)

    def _run(self, picture: np.ndarray) -> np.ndarray:
        return self._session.run(None, {self._input.name: picture[None]})[0]


class MaskRCNN(nn.Module):
    """torchvision's Mask R-CNN: COCO's classes, instance masks; a class's mask is the union of its instances.

    `name` is torchvision's, `maskrcnn_resnet50_fpn` or `maskrcnn_resnet50_fpn_v2`. The first was trained with batch norms
    that are frozen and divide by the deviation as it is (eps = 0), which torchvision only builds along with a download.
    """

    def __init__(self, name: str = "maskrcnn_resnet50_fpn"):
        super().__init__()
        from torchvision.models import detection, get_model
        from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
        from torchvision.ops import FrozenBatchNorm2d

        self.labels = tuple(detection.MaskRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"])
        if name.endswith("_v2"):
            network = get_model(name, weights=None, weights_backbone=None, num_classes=len(self.labels))
        else:
            backbone = resnet_fpn_backbone(backbone_name="resnet50", weights=None)
            network = detection.MaskRCNN(backbone, num_classes=len(self.labels))
            for module in network.modules():
                if isinstance(module, FrozenBatchNorm2d):
                    module.eps = 0.0
        self.network = network.eval()

    @torch.no_grad()
    def forward(self, frames: Tensor) -> Tensor:
        """See `Segmenter`."""
        masks = frames.new_zeros(len(frames), len(self.labels), *frames.shape[2:])
        for index, found in enumerate(self.network(list(frames))):
            for label, score, mask in zip(found["labels"], found["scores"], found["masks"][:, 0], strict=True):
                if score >= INSTANCE_SCORE:
                    masks[index, label] = torch.maximum(masks[index, label], score * (mask > 0.5))
        return masks


def from_public(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """torchvision's published tensors with the names that its modules have today: the first file is older than they are."""
    is_old, renamed = "rpn.head.conv.weight" in tensors, {}
    for name, tensor in tensors.items():
        if is_old and name.endswith("num_batches_tracked"):
            continue  # frozen batch norms count nothing
        name = re.sub(r"(fpn\.(?:inner|layer)_blocks\.\d)\.(weight|bias)$", r"\1.0.\2", name)
        name = re.sub(r"(rpn\.head\.conv)\.(weight|bias)$", r"\1.0.0.\2", name)
        name = re.sub(r"mask_fcn(\d)\.", lambda found: f"{int(found[1]) - 1}.0.", name)
        renamed[name] = tensor
    return renamed


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


def _read_labels(path: Path) -> tuple[str, ...]:
    """The lines up to the first empty one; what follows are remarks."""
    try:
        names = path.read_text(encoding="utf-8").strip().split("\n\n")[0].splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text of labels ({error}); expected a class a line") from error
    if not names:
        raise ValueError(f"{path} holds no labels; expected a class a line")
    return tuple(name.strip() for name in names)
