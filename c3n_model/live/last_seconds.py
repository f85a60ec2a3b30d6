"""The last seconds of a live view, kept small, to be saved as a bag."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from c3n_model.sources.bag_writer import BagWriter
from c3n_model.types import NANOSECONDS_PER_SECOND, AudioChunk, Frame

KEPT_S = 30
PICTURES_PER_S = 15  # kept and shown; windows are cut from all
_JPEG_QUALITY = 92


@dataclass(frozen=True)
class JpegPicture:
    """A frame as JPEG."""

    jpeg: bytes
    stamp_ns: int


class LastSeconds:
    """The frames (as JPEG) and the sound of the last KEPT_S seconds. Thread safe."""

    def __init__(self) -> None:
        self._pictures: deque[JpegPicture] = deque()
        self._sounds: deque[AudioChunk] = deque()
        self._lock = threading.Lock()

    def add_frame(self, frame: Frame) -> None:
        """Keep a frame."""
        picture = JpegPicture(encode_jpeg(frame.rgb), frame.stamp_ns)
        with self._lock:
            self._pictures.append(picture)
            self._forget(frame.stamp_ns)

    def add_sound(self, chunk: AudioChunk) -> None:
        """Keep a chunk of sound."""
        with self._lock:
            self._sounds.append(chunk)
            self._forget(chunk.stamp_ns)

    def picture_at(self, stamp_ns: int | None) -> JpegPicture | None:
        """The newest picture up to a stamp (None: of all); the oldest where all are newer; None where there is none."""
        with self._lock:
            if not self._pictures:
                return None
            due = (one for one in reversed(self._pictures) if stamp_ns is None or one.stamp_ns <= stamp_ns)
            return next(due, self._pictures[0])

    def save(self, path: Path) -> float:
        """Write a bag with a topic of compressed images and one of sound; return its length in seconds.

        Raises ValueError while there is no picture or no sound yet, FileExistsError if something is at `path`, OSError.
        """
        with self._lock:
            pictures, sounds = list(self._pictures), list(self._sounds)
        if not pictures or not sounds:
            raise ValueError("there is no picture with sound to save yet: wait for the first second")
        path.parent.mkdir(parents=True, exist_ok=True)
        with BagWriter(path, image_topic="/camera/image_raw/compressed", compressed=True) as writer:
            for picture in pictures:
                writer.write_jpeg(picture.jpeg, picture.stamp_ns)
            for chunk in sounds:
                writer.write(chunk)
        first_ns = min(pictures[0].stamp_ns, sounds[0].stamp_ns)
        return (max(pictures[-1].stamp_ns, sounds[-1].end_ns) - first_ns) / NANOSECONDS_PER_SECOND

    def _forget(self, newest_ns: int) -> None:
        oldest_ns = newest_ns - KEPT_S * NANOSECONDS_PER_SECOND
        for kept in (self._pictures, self._sounds):
            while kept and not oldest_ns <= kept[0].stamp_ns <= newest_ns + NANOSECONDS_PER_SECOND:
                kept.popleft()


def encode_jpeg(rgb: np.ndarray, quality: int = _JPEG_QUALITY) -> bytes:
    """Encode uint8 (H, W, 3) RGB as JPEG."""
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return encoded.tobytes()
