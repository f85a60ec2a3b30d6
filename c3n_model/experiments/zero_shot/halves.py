"""Which files constants may be tuned on, and which are only reported on.

Pictures in `tuned_on.txt` were tuned on, all others were not. Everything else (a sound, a cut-out, a pair, a clip with its
truth) belongs to the tuning half if the CRC-32 of its file name without suffix is odd, so that a file stays in its half
whatever is added beside it. Silent videos are in both: nothing is tuned on silence.
"""

from __future__ import annotations

import zlib
from functools import cache
from pathlib import Path


@cache
def tuned_on() -> frozenset[str]:
    """Return the names of the pictures that constants were tuned on."""
    return frozenset((Path(__file__).parent / "tuned_on.txt").read_text(encoding="utf-8").split())


def picture_in_half(name: str, tuning: bool) -> bool:
    """Return whether a picture belongs to the tuning half (`tuning`) or to the reported half."""
    return (name in tuned_on()) == tuning


def file_in_half(name: str, tuning: bool) -> bool:
    """Return whether a sound, cut-out, pair or clip, by its file name without suffix, belongs to that half."""
    return bool(zlib.crc32(name.encode()) % 2) == tuning
