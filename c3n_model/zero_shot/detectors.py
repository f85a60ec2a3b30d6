"""Detectors and instance segmenters in ONNX and TFLite files: boxes that name things and tell them apart."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Protocol, get_args

from torch import Tensor

from c3n_model.zero_shot.detections import Detections
from c3n_model.zero_shot.detector_forms import OutputForm, recognise
from c3n_model.zero_shot.label_files import read_labels
from c3n_model.zero_shot.runtimes import InputValues, PictureNetwork, open_network, pictures_of

DetectorInput = Literal["auto", "unit", "symmetric", "bytes", "imagenet"]
DETECTOR_INPUTS: tuple[DetectorInput, ...] = get_args(DetectorInput)


class Detector(Protocol):
    """What the zero-shot network needs of a detector."""

    labels: tuple[str, ...]

    def __call__(self, frames: Tensor) -> list[Detections]:
        """Find instances in frames (N, 3, H, W) in [0, 1], N lists of them."""


def open_detector(path: Path, labels: Path, min_score: float, values: DetectorInput = "auto") -> Detector:
    """Open the detector in a .tflite or .onnx file, whose classes `labels` names (`read_labels`).

    Args:
        min_score: detections below it are left out, in [0, 1].
        values: the range of a float input, see `runtimes.in_range`; "auto" takes what is customary for the form of the
            outputs. Integer inputs need none.
    Raises:
        FileNotFoundError: either file is missing. ValueError: a file of another kind; outputs in no known form or that do
        not fit the labels; an input range that cannot be told; or the runtime is not installed.
    """
    for file in (path, labels):
        if not file.is_file():
            raise FileNotFoundError(f"no such file: {file}; a detector is a .tflite or .onnx file and a text of labels")
    names = read_labels(labels)
    network = open_network(path)
    form = recognise(path, network.outputs, len(names))
    chosen = form.input_values if values == "auto" else values
    if chosen is None and network.has_float_input:
        raise ValueError(
            f"{path} lists boxes, scores and labels of float pictures, whose range the file does not state; set "
            f"detector_input to one of {', '.join(DETECTOR_INPUTS[1:])}, as the model was trained"
        )
    return FileDetector(path, network, form, names, min_score, chosen or "unit")


class FileDetector:
    """A network in a file and the form of its outputs."""

    def __init__(
        self,
        path: Path,
        network: PictureNetwork,
        form: OutputForm,
        labels: tuple[str, ...],
        min_score: float,
        values: InputValues,
    ):
        self._path, self._network, self._form = path, network, form
        self.labels, self._min_score, self._values = labels, min_score, values

    def __call__(self, frames: Tensor) -> list[Detections]:
        """See `Detector`; frame by frame. Raises ValueError for a class that the label file does not name."""
        return [self._find(picture).to(frames.device) for picture in pictures_of(frames, self._network.size)]

    def _find(self, picture) -> Detections:
        found = self._form.decode(self._network(picture, self._values), self._network.size, self._min_score)
        if len(found) and not 0 <= found.classes.min() <= found.classes.max() < len(self.labels):
            raise ValueError(
                f"{self._path} found class {int(found.classes.max())}, but its label file names {len(self.labels)} classes; "
                "it is of another model. A file of fewer lines than class numbers needs N/A for each unused one, or lines "
                "that start with their number"
            )
        return found
