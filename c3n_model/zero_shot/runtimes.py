"""Networks from ONNX and TFLite files with one image as input, on the CPU.

Both runtimes have the same interface: `size`, `outputs`, and a call with an image that returns every output as an array.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, get_args

import numpy as np
from torch import Tensor

from c3n_model.environment import install_command
from c3n_model.network.fusion import upsample

InputValues = Literal["unit", "symmetric", "bytes", "imagenet"]
INPUT_VALUES: tuple[InputValues, ...] = get_args(InputValues)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
ANY_SIZE = 512  # side of the input image for an ONNX file that accepts any size


@dataclass(frozen=True)
class Output:
    """An output of a network: its name, its shape for a blank image, and its dtype in the file."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype


class PictureNetwork(Protocol):
    """A network from a file with one image of `size` (height, width) as input. `class_axis` is the class axis of its maps."""

    size: tuple[int, int]
    outputs: tuple[Output, ...]
    class_axis: int
    has_float_input: bool

    def __call__(self, picture: np.ndarray, values: InputValues) -> list[np.ndarray]:
        """Run on an image float32 (height, width, 3) in [0, 1]; return the outputs in order, with batch axis.

        `values` is the value range that a network with float input was trained on; integer inputs always have 256 levels.
        Quantised outputs are returned as float32, integers unchanged.
        """


def open_network(path: Path) -> PictureNetwork:
    """Open a .tflite or .onnx file.

    Raises:
        FileNotFoundError: no such file. ValueError: a file of the wrong type, an input that is not one image, or a runtime
        that is not installed; the message names it.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}; expected a .tflite or .onnx file")
    if path.suffix == ".tflite":
        return TFLiteNetwork(path)
    if path.suffix == ".onnx":
        return OnnxNetwork(path)
    raise ValueError(f"{path} cannot be opened; expected a .tflite or .onnx file")


def pictures_of(frames: Tensor, size: tuple[int, int]) -> np.ndarray:
    """Resize frames (N, 3, H, W) in [0, 1] to images float32 (N, height, width, 3)."""
    return upsample(frames, size).permute(0, 2, 3, 1).float().cpu().numpy()


def in_range(picture: np.ndarray, values: InputValues) -> np.ndarray:
    """Convert an image (h, w, 3) in [0, 1] to a value range: "unit" [0, 1], "symmetric" [-1, 1], "bytes" [0, 255], "imagenet"
    normalised with ImageNet's mean and standard deviation."""
    if values == "symmetric":
        return picture * 2 - 1
    if values == "bytes":
        return picture * 255
    if values == "imagenet":
        return (picture - np.float32(IMAGENET_MEAN)) / np.float32(IMAGENET_STD)
    return picture


class TFLiteNetwork:
    """A TFLite file, run by Google's ai-edge-litert; input (1, h, w, 3) RGB as uint8, int8 (uint8 - 128) or float32."""

    class_axis = -1

    def __init__(self, path: Path, threads: int = 2):
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise ValueError(f"{path} needs ai-edge-litert: {install_command('zero-shot')}") from error
        try:
            self._interpreter = Interpreter(str(path), num_threads=threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ValueError(f"{path} is not a valid TFLite model ({str(error).splitlines()[0]})") from error
        inputs = self._interpreter.get_input_details()
        self._input, self._details = inputs[0], self._interpreter.get_output_details()
        shape, dtype = _shape(self._input), np.dtype(self._input["dtype"])
        if len(inputs) != 1 or len(shape) != 4 or shape[-1] != 3 or dtype not in (np.uint8, np.int8, np.float32):
            raise ValueError(
                f"{path} has the input {shape} {dtype}; expected one image (1, h, w, 3), uint8, int8 or float32"
            )
        self.size, self.has_float_input = shape[1:3], dtype == np.float32
        # Detection_PostProcess does not declare shapes: they are known only after a run.
        blanks = self(np.zeros((*self.size, 3), np.float32), "unit") if not all(map(_shape, self._details)) else None
        shapes = [array.shape for array in blanks] if blanks else map(_shape, self._details)
        self.outputs = tuple(
            Output(str(details.get("name", "")), shape, np.dtype(details["dtype"]))
            for details, shape in zip(self._details, shapes, strict=True)
        )

    def __call__(self, picture: np.ndarray, values: InputValues) -> list[np.ndarray]:
        """Implement `PictureNetwork`."""
        self._interpreter.set_tensor(self._input["index"], self._quantised(picture, values)[None])
        self._interpreter.invoke()
        return [_real(self._interpreter.get_tensor(details["index"]), details) for details in self._details]

    def _quantised(self, picture: np.ndarray, values: InputValues) -> np.ndarray:
        dtype = self._input["dtype"]
        if dtype == np.float32:
            return in_range(picture, values).astype(np.float32)
        levels = np.round(picture * 255)
        return (levels - 128 if dtype == np.int8 else levels).astype(dtype)


def _shape(details: dict) -> tuple[int, ...]:
    return tuple(int(side) for side in details["shape"])


def _real(array: np.ndarray, details: dict) -> np.ndarray:
    """Dequantise a tensor to float32; return any other unchanged."""
    scale, zero = details["quantization"]
    return (array.astype(np.float32) - zero) * np.float32(scale) if scale > 0 else array


class OnnxNetwork:
    """An ONNX file, run by onnxruntime; input (1, 3, h, w) or (1, h, w, 3), float or uint8, or the same without batch axis.

    A second input of two integers (`orig_target_sizes` of RT-DETR and D-FINE) gets the width and height of the image.
    """

    class_axis = 1

    def __init__(self, path: Path, threads: int = 2):
        try:
            import onnxruntime
        except ImportError as error:
            raise ValueError(f"{path} needs onnxruntime: {install_command('zero-shot')}") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Spinning threads double the CPU time, which the other networks of the same window need.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's exceptions have no common public base class
            raise ValueError(f"{path} is not a valid ONNX model ({str(error).splitlines()[0]})") from error
        self._input, *self._others = self._session.get_inputs()
        sides = list(self._input.shape)
        self.has_float_input = self._input.type != "tensor(uint8)"
        self._batched, self._channels_last = len(sides) == 4, len(sides) in (3, 4) and sides[-1] == 3
        sides = sides[-3:-1] if self._channels_last else sides[-2:]
        self.size = tuple(side if isinstance(side, int) else ANY_SIZE for side in sides)
        blank = np.zeros((*self.size, 3), np.float32)
        try:
            arrays = self(blank, "unit")
        except Exception as error:
            reason = str(error).splitlines()[0]
            shapes = ", ".join(f"{one.name} {one.shape}" for one in self._session.get_inputs())
            raise ValueError(
                f"{path} does not run on a float image (1, 3, h, w): its inputs are {shapes} ({reason}); export it with one "
                "image as its only input"
            ) from error
        names = [output.name for output in self._session.get_outputs()]
        self.outputs = tuple(Output(name, array.shape, array.dtype) for name, array in zip(names, arrays, strict=True))

    def __call__(self, picture: np.ndarray, values: InputValues) -> list[np.ndarray]:
        """Implement `PictureNetwork`."""
        if self._input.type == "tensor(uint8)":
            array = np.round(picture * 255).astype(np.uint8)
        else:
            dtype = np.float16 if self._input.type == "tensor(float16)" else np.float32
            array = in_range(picture, values).astype(dtype)
        array = array if self._channels_last else array.transpose(2, 0, 1)
        feeds = {self._input.name: np.ascontiguousarray(array[None] if self._batched else array)}
        if len(self._others) == 1 and self._others[0].type == "tensor(int64)":
            feeds[self._others[0].name] = np.array([self.size[::-1]], np.int64)
        arrays = self._session.run(None, feeds)
        return [array.astype(np.float32) if array.dtype == np.float16 else array for array in arrays]
