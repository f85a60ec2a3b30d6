"""How much each object moved between two small pictures, apart from the camera's own motion and changes of brightness."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

GROWTH = 3  # pixels of a small picture around an object, in which it may move until it is segmented again
NOISE = 3.0  # times the median change of the background: below is noise, and what is left of the camera's motion
_SMALLEST_SHIFT = 0.25  # pixels; a smaller one gains nothing
# The camera moved if at most so much of the background's change remains: interpolation alone removes noise, too.
_MUST_REMAIN = 0.7
_SMALLEST_SIDE = 8  # pixels of a picture, for its shift to be estimated
_LEAST_BACKGROUND = 0.05  # of the picture


@dataclass(frozen=True)
class Change:
    """What changed from `begin_ns` to `end_ns`: `amount` float32 (h, w), as a fraction of the background's brightness, without noise."""

    begin_ns: int
    end_ns: int
    amount: np.ndarray


def measure_change(before: np.ndarray, after: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Return how much each pixel changed between two pictures uint8 (h, w), float32 (h, w), 0 where it is noise.

    `background` bool (h, w): pixels without objects. They say how bright each picture is, how much noise it has, and whether a shift
    of the whole picture (phase correlation) explains the change: a large object that moves may shift as much as a camera that turns.
    """
    if background.mean() < _LEAST_BACKGROUND:
        background = np.ones_like(background)
    first, second = (_smoothed(picture, background) for picture in (before, after))
    change = np.abs(second - first)
    shifted = _shifted(first, second)
    if shifted is not None:
        registered = np.abs(second - shifted)
        if registered[background].mean() < _MUST_REMAIN * change[background].mean():
            change = registered
    return np.maximum(change - np.float32(NOISE * np.median(change[background])), 0)


def grown(region: np.ndarray) -> np.ndarray:
    """Return a region bool (h, w) with GROWTH pixels around it."""
    return cv2.dilate(region.view(np.uint8), np.ones((2 * GROWTH + 1,) * 2, np.uint8)).astype(bool)


def _smoothed(picture: np.ndarray, background: np.ndarray) -> np.ndarray:
    bright = max(float(picture[background].mean()), 1.0)
    return cv2.GaussianBlur(picture.astype(np.float32) / np.float32(bright), (3, 3), 0)


def _shifted(first: np.ndarray, second: np.ndarray) -> np.ndarray | None:
    """Return `first` float32 (h, w) moved to where `second` shows it, by the same shift everywhere; None if it stays where it is."""
    size = first.shape[::-1]
    if min(size) < _SMALLEST_SIDE:
        return None
    # Copies, because OpenCV 5 multiplies its arguments by the window.
    (x, y), _ = cv2.phaseCorrelate(first.copy(), second.copy(), cv2.createHanningWindow(size, cv2.CV_32F))
    if np.hypot(x, y) < _SMALLEST_SHIFT:
        return None
    return cv2.warpAffine(first, np.array([[1, 0, x], [0, 1, y]]), size, borderMode=cv2.BORDER_REPLICATE)
