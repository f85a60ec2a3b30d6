"""Object detectors and instance segmenters from ONNX and TFLite files."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Protocol, get_args

from torch import Tensor

from c3n_model.zero_shot.detections import Detections
from c3n_model.zero_shot.detector_forms import OutputForm, recognise_form
from c3n_model.zero_shot.label_files import read_labels
from c3n_model.zero_shot.runtimes import InputValues, PictureNetwork, open_network, pictures_of

DetectorInput = Literal["auto", "unit", "symmetric", "bytes", "imagenet"]
DETECTOR_INPUTS: tuple[DetectorInput, ...] = get_args(DetectorInput)


class Detector(Protocol):
    """Interface of a detector for the zero-shot network."""

    labels: tuple[str, ...]

    def __call__(self, frames: Tensor) -> list[Detections]:
        """Detect instances in frames (N, 3, H, W) in [0, 1]; returns one `Detections` per frame."""


def open_detector(path: Path, labels: Path, min_score: float, values: DetectorInput = "auto") -> Detector:
    """Open the detector in a .tflite or .onnx file; the file `labels` names its classes (`read_labels`).

    Args:
        min_score: score in [0, 1] below which detections are discarded.
        values: the value range of a float input, see `runtimes.in_range`; "auto" takes the usual one for the output format.
            Not used for integer inputs.
    Raises:
        FileNotFoundError: one of the files is missing. ValueError: a file of the wrong type; outputs that match no known
        format or not the labels; an unknown input range; or the runtime is not installed.
    """
    for file in (path, labels):
        if not file.is_file():
            raise FileNotFoundError(
                f"no such file: {file}; a detector is a .tflite or .onnx file and a text file of labels"
            )
    names = read_labels(labels)
    network = open_network(path)
    form = recognise_form(path, network.outputs, len(names))
    chosen = form.input_values if values == "auto" else values
    if chosen is None and network.has_float_input:
        raise ValueError(
            f"{path} has a float input, and its value range cannot be derived from the outputs (boxes, scores, labels); set "
            f"detector_input to one of {', '.join(DETECTOR_INPUTS[1:])}, whichever the model was trained with"
        )
    return FileDetector(path, network, form, names, min_score, chosen or "unit")


class FileDetector:
    """A detector from a file: the network and the format of its outputs."""

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
        """Implement `Detector`, frame by frame. Raises ValueError for a class without a name in the label file."""
        return [self._find(picture).to(frames.device) for picture in pictures_of(frames, self._network.size)]

    def _find(self, picture) -> Detections:
        found = self._form.decode(self._network(picture, self._values), self._network.size, self._min_score)
        if len(found) and not 0 <= found.classes.min() <= found.classes.max() < len(self.labels):
            raise ValueError(
                f"{self._path} returned class {int(found.classes.max())}, but its label file names {len(self.labels)} "
                "classes; use the label file of this model. Class numbers without a class need a line N/A, unless every line "
                "starts with its number"
            )
        return found
