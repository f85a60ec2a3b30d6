"""The moving picture of a live view: each mask begins at the frame that it was made of, so the picture is shown as much later as
the network takes."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

import cv2
import numpy as np

from c3n_model.live.last_seconds import LastSeconds, encode_jpeg
from c3n_model.pictures.overlay import draw_mask
from c3n_model.types import NANOSECONDS_PER_SECOND

WIDEST = 960  # pixels of the shown picture
STALE_S = 10.0  # after which a mask is not shown any more, and the picture is the newest
_QUALITY = 80


class Screen:
    """The pictures of `LastSeconds` and masks in, the picture to show now out. Thread safe."""

    def __init__(self, last_seconds: LastSeconds, steady_s: Callable[[], float] = time.monotonic):
        self._last_seconds, self._steady_s = last_seconds, steady_s
        self._lock = threading.Lock()
        self._masks: deque[tuple[int, np.ndarray]] = deque(maxlen=16)  # stamp of the frame, mask
        self._arrived_s = 0.0  # when the newest mask did

    def add_mask(self, mask: np.ndarray, stamp_ns: int) -> None:
        """Take the mask bool (H, W) of the frame with this stamp."""
        with self._lock:
            if self._masks and self._masks[-1][0] > stamp_ns:  # the clock jumped back
                self._masks.clear()
            self._masks.append((stamp_ns, mask))
            self._arrived_s = self._steady_s()

    def picture(self) -> np.ndarray | None:
        """The picture to show now, uint8 (H, W, 3) RGB with its mask; None before the first frame."""
        with self._lock:
            masks, shown_for_s = list(self._masks), self._steady_s() - self._arrived_s
        is_stale = not masks or shown_for_s > STALE_S
        # Playing on from the frame of the newest mask since that mask arrived.
        until_ns = None if is_stale else masks[-1][0] + round(shown_for_s * NANOSECONDS_PER_SECOND)
        kept = self._last_seconds.picture_at(until_ns)
        if kept is None:
            return None
        rgb = decode_small(kept.jpeg)
        mask = next((mask for stamp_ns, mask in reversed(masks) if stamp_ns <= kept.stamp_ns), None)
        if is_stale or mask is None or not mask.any():
            return rgb
        height, width = rgb.shape[:2]
        shown = cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
        return draw_mask(rgb, shown.astype(bool))

    def jpeg(self) -> bytes | None:
        """`picture` as JPEG."""
        picture = self.picture()
        return None if picture is None else encode_jpeg(picture, _QUALITY)


def decode_small(jpeg: bytes) -> np.ndarray:
    """Decode a JPEG to uint8 (H, W, 3) RGB at most WIDEST pixels wide."""
    data = np.frombuffer(jpeg, np.uint8)
    bgr = cv2.imdecode(data, cv2.IMREAD_COLOR)
    height, width = bgr.shape[:2]
    if width > WIDEST:
        bgr = cv2.resize(bgr, (WIDEST, max(height * WIDEST // width, 1)), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
