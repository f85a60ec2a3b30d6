"""The geometry of a microphone array, from a YAML file:

    frame: base        # of the positions: base (x forward, y left, z up) or optical (x right, y down, z forward; REP-103)
    yaw_deg: 0.0       # how far the array is turned to the left of the camera's axis, about its origin
    microphones:
      - {channel: 1, position: [-0.032, 0.0, 0.0]}    # channel of the recording, counted from 0; metres

Sources are taken to be far away compared with the array's size, so only the differences of positions matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

PRESETS = Path(__file__).parent / "arrays"
FRAMES = ("base", "optical")
# Rows are x right, y down, z forward of the camera's optical frame, columns x forward, y left, z up of the base frame.
_OPTICAL_FROM_BASE = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]])
_SMALLEST_M, _LARGEST_M = 0.01, 2.0  # level extent
_FLAT = 0.1  # smaller level extent across / along, for microphones along a line


@dataclass(frozen=True)
class MicrophoneArray:
    """Microphones at `positions` float64 (m, 3), metres in the camera's optical frame, on `channels` of the recording, (m,).

    Raises:
        ValueError: fewer than 2 microphones, positions that are not numbers, or all of them above each other.
    """

    positions: np.ndarray
    channels: tuple[int, ...]

    def __post_init__(self):
        count = len(self.channels)
        if count < 2 or len(set(self.channels)) < count or min(self.channels) < 0:
            raise ValueError(
                f"a microphone array needs 2 or more different channels, counted from 0, got {self.channels}"
            )
        if self.positions.shape != (count, 3) or not np.isfinite(self.positions).all():
            raise ValueError(f"expected {count} positions of 3 numbers in metres, got {self.positions.tolist()}")
        extent = self._level_axes()[0][0]
        if not _SMALLEST_M <= extent <= _LARGEST_M:
            raise ValueError(
                f"microphones must lie {_SMALLEST_M} to {_LARGEST_M} m apart in the horizontal plane, to tell left from right; got "
                f"{extent:.4g}: give positions in metres, in the frame that the file names"
            )

    @property
    def line_bearing(self) -> float | None:
        """The bearing of the line that the microphones lie along, radians; None if they do not lie along a level line."""
        (along, across), axes = self._level_axes()
        heights = np.ptp(self.positions[:, 1])
        return float(np.arctan2(-axes[0, 0], axes[0, 1])) if max(across, heights) < _FLAT * along else None

    def _level_axes(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the extents (2,) of the array along its main axes in the horizontal plane, and the axes (2, 2) as x and z."""
        level = self.positions[:, [0, 2]] - self.positions[:, [0, 2]].mean(axis=0)
        axes = np.linalg.svd(level)[2]
        return np.ptp(level @ axes.T, axis=0), axes


def load_array(name: str | Path) -> MicrophoneArray:
    """Read an array from the YAML file `name`, or the preset of that name (`preset_names`).

    Raises:
        FileNotFoundError: neither exists. ValueError: the file has another content; the message says which.
    """
    path = Path(name)
    if str(name) in preset_names():
        path = PRESETS / f"{name}.yaml"
    if not path.is_file():
        raise FileNotFoundError(
            f"no file {name} with a microphone array; give one, or a preset: {', '.join(preset_names())}"
        )
    try:
        return _array_from(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else " ".join(str(error).split())
        raise ValueError(f"{path} is not a microphone array: {reason}; see {PRESETS / 'stereo_pair.yaml'}") from error


def preset_names() -> list[str]:
    """Names of the arrays that come with the package."""
    return sorted(path.stem for path in PRESETS.glob("*.yaml"))


def _array_from(content: Any) -> MicrophoneArray:
    if not isinstance(content, dict):
        raise ValueError(f"expected frame, yaw_deg and microphones, got {content!r}")
    frame, microphones = content.get("frame", "base"), content["microphones"]
    if frame not in FRAMES:
        raise ValueError(f"expected a frame {' or '.join(FRAMES)}, got {frame!r}")
    positions = np.array([_numbers(microphone["position"]) for microphone in microphones]).reshape(-1, 3)
    yaw = np.deg2rad(float(content.get("yaw_deg", 0.0)))
    if frame == "base":
        positions = positions @ _OPTICAL_FROM_BASE.T
    return MicrophoneArray(
        positions @ _turned_left(yaw).T, tuple(int(microphone["channel"]) for microphone in microphones)
    )


def _numbers(position: Sequence[float]) -> list[float]:
    numbers = [float(number) for number in position]
    if len(numbers) != 3:
        raise ValueError(f"expected a position of 3 numbers, got {position}")
    return numbers


def _turned_left(yaw: float) -> np.ndarray:
    """Return the rotation (3, 3) by `yaw` radians to the left, about the vertical, in the optical frame."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    return np.array([[cos, 0.0, -sin], [0.0, 1.0, 0.0], [sin, 0.0, cos]])
