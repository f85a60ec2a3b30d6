"""The calibration of a camera: from a file as camera_calibration and camera_info_manager write it, or guessed from its angle of view."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_MODELS = ("plumb_bob", "rational_polynomial", "equidistant", "fisheye", "thin_prism")


@dataclass(frozen=True)
class Calibration:
    """The fields of sensor_msgs/CameraInfo: `k` 9, `r` 9 and `p` 12 numbers row by row, `d` the coefficients of the model."""

    width: int
    height: int
    distortion_model: str
    d: tuple[float, ...]
    k: tuple[float, ...]
    r: tuple[float, ...]
    p: tuple[float, ...]


def read_calibration(path: Path) -> Calibration:
    """Read a YAML file of camera_calibration.

    Raises:
        FileNotFoundError: no such file. ValueError: another kind of file; the message says what is missing.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"no calibration file {path}: write one with `ros2 run camera_calibration cameracalibrator`"
        )
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        if content["distortion_model"] not in _MODELS:
            raise ValueError(f"the distortion model {content['distortion_model']!r}")
        return Calibration(
            int(content["image_width"]),
            int(content["image_height"]),
            content["distortion_model"],
            _numbers(content["distortion_coefficients"]),
            _numbers(content["camera_matrix"], 9),
            _numbers(content["rectification_matrix"], 9),
            _numbers(content["projection_matrix"], 12),
        )
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} is not a calibration of camera_calibration: {' '.join(str(error).split())} is missing or wrong"
        ) from error


def calibration_from_angle(width: int, height: int, horizontal_fov_deg: float) -> Calibration:
    """Return the pinhole camera without distortion of an image size and a horizontal angle of view in (0, 180) degrees.

    Raises ValueError for another angle.
    """
    if not 0 < horizontal_fov_deg < 180:
        raise ValueError(f"expected a horizontal angle of view in (0, 180) degrees, got {horizontal_fov_deg}")
    focal = width / 2 / math.tan(math.radians(horizontal_fov_deg) / 2)
    x, y = width / 2 - 0.5, height / 2 - 0.5
    k = (focal, 0.0, x, 0.0, focal, y, 0.0, 0.0, 1.0)
    p = (focal, 0.0, x, 0.0, 0.0, focal, y, 0.0, 0.0, 0.0, 1.0, 0.0)
    return Calibration(width, height, "plumb_bob", (0.0,) * 5, k, (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0), p)


def _numbers(entry: Any, count: int | None = None) -> tuple[float, ...]:
    values = tuple(float(value) for value in entry["data"])
    if count is not None and len(values) != count:
        raise ValueError(f"a matrix of {count} numbers")
    return values
