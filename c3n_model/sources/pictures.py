"""Picture files: read whole, or refused by name."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_JPEG_SIGNATURE, _JPEG_SCAN, _JPEG_END = b"\xff\xd8", b"\xff\xda", b"\xff\xd9"


def read_picture(path: Path) -> np.ndarray:
    """rgb uint8 (H, W, 3). Raises ValueError for a file that is missing, cut or no picture."""
    data = read_whole(path)
    try:
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:  # a size beyond what OpenCV allows
        bgr = None
    if bgr is None:
        raise ValueError(f"{path} cannot be read as a picture; is it damaged? Copy or make it again")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def read_whole(path: Path) -> bytes:
    """The bytes of a picture file. Raises ValueError if it is missing or cut."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read as a picture: {error.strerror}") from error
    if not is_whole(data):
        raise ValueError(f"{path} cannot be read as a picture: it is cut, its end is missing; copy or make it again")
    return data


def is_whole(data: bytes) -> bool:
    """Whether a PNG or JPEG file reaches its end mark: decoders paint what is missing of a cut one grey and say nothing.

    True for other formats. What follows the end mark (some cameras write more) does not matter.
    """
    if data.startswith(_PNG_SIGNATURE):
        return _png_reaches_its_end(data)
    if data.startswith(_JPEG_SIGNATURE):
        return data.find(_JPEG_END, _jpeg_scan_start(data)) >= 0
    return len(data) > 0


def _png_reaches_its_end(data: bytes) -> bool:
    at = len(_PNG_SIGNATURE)
    while at + 12 <= len(data):  # a chunk: length, kind, payload, checksum
        length, kind = struct.unpack_from(">I4s", data, at)
        at += 12 + length
        if kind == b"IEND":
            return at <= len(data)
    return False


def _jpeg_scan_start(data: bytes) -> int:
    """Where the pixels begin: a thumbnail in the segments before has an end mark of its own, the pixels have none."""
    at = len(_JPEG_SIGNATURE)
    while at + 4 <= len(data) and data[at : at + 2] != _JPEG_SCAN:
        if data[at : at + 2] == b"\xff\xff":  # a marker may have any number of these before it
            at += 1
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        at += 2 + length
    return at
