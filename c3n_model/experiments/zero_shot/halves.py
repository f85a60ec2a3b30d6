"""Split files into a half for tuning constants and a half for reporting.

The images in `tuned_on.txt` belong to the tuning half, all others do not. Everything else (sounds, cut-outs, pairs, clips
with ground truth) belongs to it if the CRC-32 of the file name without suffix is odd, so that adding files does not move
others. Silent videos are in both halves, because nothing is tuned on silence.
"""

from __future__ import annotations

import zlib
from functools import cache
from pathlib import Path


@cache
def tuned_on() -> frozenset[str]:
    """Return the names of the images that constants were tuned on."""
    return frozenset((Path(__file__).parent / "tuned_on.txt").read_text(encoding="utf-8").split())


def picture_in_half(name: str, tuning: bool) -> bool:
    """Check whether an image belongs to the tuning half (`tuning`) or to the reported half (not `tuning`)."""
    return (name in tuned_on()) == tuning


def file_in_half(name: str, tuning: bool) -> bool:
    """Check whether a sound, cut-out, pair or clip, by its file name without suffix, belongs to that half."""
    return bool(zlib.crc32(name.encode()) % 2) == tuning
