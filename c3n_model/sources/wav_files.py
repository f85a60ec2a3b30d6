"""Read wav headers, whose size may be a placeholder (written to a pipe) or too large (truncated file)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

# sox, arecord and ffmpeg cannot seek in a pipe and write about 2 GiB, 4 GiB or 0 as the size.
_PLACEHOLDER_BYTES = 0x7FFF0000


@dataclass(frozen=True)
class WavData:
    """The data chunk of a wav file: its offset, its size by the header and its actual size in bytes."""

    offset: int
    claimed_bytes: int
    present_bytes: int
    bytes_per_second: int

    @property
    def is_placeholder(self) -> bool:
        """Whether the size in the header is a placeholder, so that the sound continues to the end of the file."""
        return self.claimed_bytes >= _PLACEHOLDER_BYTES or (self.claimed_bytes == 0 and self.present_bytes > 0)

    @property
    def missing_bytes(self) -> int:
        """Number of missing bytes; a missing pad byte does not count."""
        missing = 0 if self.is_placeholder else self.claimed_bytes - self.present_bytes
        return missing if missing > 1 else 0


def read_wav_data(path: Path) -> WavData | None:
    """Find the data chunk of a wav file; None for another type of file or without such a chunk. Raises OSError."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            return None
        rate = 0
        while len(chunk := file.read(8)) == 8:
            length, at = int.from_bytes(chunk[4:], "little"), file.tell()
            if chunk[:4] == b"data":
                return WavData(
                    at, length, min(length, size - at) if 0 < length < _PLACEHOLDER_BYTES else size - at, rate
                )
            if chunk[:4] == b"fmt ":
                rate = int.from_bytes(file.read(16)[8:12], "little")
            file.seek(at + length + length % 2)
    return None


def missing_seconds(path: Path) -> float:
    """Return the seconds of sound missing from a truncated wav file, 0 for a complete one."""
    data = read_wav_data(path)
    return data.missing_bytes / data.bytes_per_second if data and data.bytes_per_second else 0.0
