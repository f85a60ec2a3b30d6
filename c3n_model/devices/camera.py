"""A camera through OpenCV: frames with the time at which they were read, and a camera that comes back.

A camera is named by its index (0 is the first), by its device file (/dev/video0), or by a video file, which is then played at
its own rate, again and again.
"""

from __future__ import annotations

import grp
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from c3n_model.types import Frame

RETRY_S = 2.0  # between attempts to open a camera that is gone
_DEVICES = "/dev"


class Camera:
    """An opened camera. Not thread safe.

    Args:
        name: index, device file or video file.
        width, height: the size to ask the camera for [pixels]; 0 leaves its own. It may choose another.
        now_ns: the clock of the stamps.
        make_capture: in the place of cv2.VideoCapture.
    Raises:
        ValueError: it cannot be opened, or gives no picture; the message says what to do.
    """

    def __init__(
        self,
        name: str = "0",
        *,
        width: int = 0,
        height: int = 0,
        now_ns: Callable[[], int] = time.time_ns,
        make_capture: Callable[[Any], Any] = cv2.VideoCapture,
    ):
        self.name, self._now_ns = name, now_ns
        self.is_file = not name.isdecimal() and Path(name).is_file()
        self._capture = make_capture(int(name) if name.isdecimal() else name)
        if not self._capture.isOpened():
            raise ValueError(f"camera {name} cannot be opened: {why_unavailable(name)}")
        for key, value in ((cv2.CAP_PROP_FRAME_WIDTH, width), (cv2.CAP_PROP_FRAME_HEIGHT, height)):
            if value:
                self._capture.set(key, value)
        rate = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.frame_rate = rate if 1 <= rate <= 240 else 30.0
        first = self._read()
        if first is None:
            self.close()
            raise ValueError(
                f"camera {name} opens but gives no picture: close other programs that use it, or plug it into another port"
            )
        self.height, self.width = first.shape[:2]

    def read(self) -> Frame | None:
        """Wait for the next frame; None if the camera is gone. A video file starts again after its end."""
        rgb = self._read()
        if rgb is None and self.is_file:
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
            rgb = self._read()
        return None if rgb is None else Frame(rgb, self._now_ns())

    def _read(self) -> np.ndarray | None:
        arrived, bgr = self._capture.read()
        return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB) if arrived and bgr is not None else None

    def close(self) -> None:
        """Release the device."""
        self._capture.release()


def why_unavailable(name: str) -> str:
    """Say why a camera cannot be opened, and what to do."""
    path = Path(f"{_DEVICES}/video{name}") if name.isdecimal() else Path(name)
    if not path.exists():
        present = [str(one) for one in _device_files()]
        if present:
            return f"there is no {path}; this machine has {', '.join(present)}"
        return (
            "this machine has no camera (no /dev/video*): plug one in, in a container pass it on with --device /dev/video0, "
            "or use a recording (--video clip.mp4 of c3n live, video:=clip.mp4 of robot.launch.py)"
        )
    if not os.access(path, os.R_OK | os.W_OK):
        group = _group_of(path)
        return f"this user may not use {path}: sudo usermod -aG {group} $USER, then log in again"
    return (
        f"{path} is there but OpenCV cannot open it: close other programs that use it (fuser {path}), or choose another"
    )


def list_cameras() -> list[str]:
    """Return a line for each camera device of this machine, with its name where the kernel tells it."""
    lines = []
    for path in _device_files():
        name = Path(f"/sys/class/video4linux/{path.name}/name")
        lines.append(f"{path.name.removeprefix('video'):>3}  {path}  {_first_line(name)}".rstrip())
    return lines or ["no camera: no /dev/video* on this machine"]


def frames_of(camera: Camera, stopped: Callable[[], bool]) -> Iterator[Frame]:
    """Yield the frames of a camera until it is gone or `stopped`; those of a video file at its frame rate."""
    started_s, count = time.monotonic(), 0
    while not stopped():
        frame = camera.read()
        if frame is None:
            return
        yield frame
        count += 1
        if camera.is_file:
            time.sleep(max(started_s + count / camera.frame_rate - time.monotonic(), 0))


def _device_files() -> list[Path]:
    return sorted(Path(_DEVICES).glob("video*"), key=lambda path: (len(path.name), path.name))


def _group_of(path: Path) -> str:
    try:
        return grp.getgrgid(path.stat().st_gid).gr_name
    except (KeyError, OSError):
        return "video"


def _first_line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
