"""Small gray pictures of the camera's images, a few a second: enough to see what moves when, cheap to make and to keep."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from c3n_model.types import NANOSECONDS_PER_SECOND, Frame

PICTURES_PER_S = 10  # motion in time with sound is slower than syllables, some 4 a second
WIDTH = 96  # pixels; an object of a hundredth of the picture still has 70
_SAMPLES = 4  # pixels of the image along each side of one of the picture, at least


@dataclass(frozen=True)
class SmallPicture:
    """`gray` uint8 (h, w), w at most WIDTH."""

    gray: np.ndarray
    stamp_ns: int


def is_due(stamp_ns: int, newest_ns: int | None) -> bool:
    """Return whether an image is the first one in its part of a second, of PICTURES_PER_S; `newest_ns`: stamp of the last picture."""
    period_ns = NANOSECONDS_PER_SECOND // PICTURES_PER_S
    return newest_ns is None or stamp_ns // period_ns != newest_ns // period_ns


def shrink(frame: Frame) -> SmallPicture:
    """Return the small picture of a frame, of the same proportions."""
    height, width = frame.rgb.shape[:2]
    step = max(width // (_SAMPLES * WIDTH), 1)  # to read all pixels of a large image would take most of the time
    size = small_size(height, width)
    small = cv2.resize(np.ascontiguousarray(frame.rgb[::step, ::step]), size[::-1], interpolation=cv2.INTER_AREA)
    return SmallPicture(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), frame.stamp_ns)


def small_size(height: int, width: int) -> tuple[int, int]:
    """Return height and width of the small pictures of images of this size."""
    small_width = min(WIDTH, width)
    return max(round(height * small_width / width), 1), small_width
