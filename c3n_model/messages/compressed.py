"""Compressed pictures: whole or cut."""

from __future__ import annotations

import struct

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_JPEG_SIGNATURE, _JPEG_SCAN, _JPEG_END = b"\xff\xd8", b"\xff\xda", b"\xff\xd9"


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
