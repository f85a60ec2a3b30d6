"""Wav headers as they are: written into a pipe, their sizes are placeholders; cut files have fewer bytes than they say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

# sox, arecord and ffmpeg cannot go back in a pipe and leave about 2 GiB, 4 GiB or 0 in the place of the size.
_PLACEHOLDER_BYTES = 0x7FFF0000


@dataclass(frozen=True)
class WavData:
    """The data chunk of a wav: where it begins, how many bytes its header says and how many are in the file."""

    offset: int
    claimed_bytes: int
    present_bytes: int
    bytes_per_second: int

    @property
    def is_placeholder(self) -> bool:
        """Whether the size was never filled in: the sound goes on to the end of the file."""
        return self.claimed_bytes >= _PLACEHOLDER_BYTES or (self.claimed_bytes == 0 and self.present_bytes > 0)

    @property
    def missing_bytes(self) -> int:
        """How many bytes the file lacks; a missing pad byte does not count."""
        missing = 0 if self.is_placeholder else self.claimed_bytes - self.present_bytes
        return missing if missing > 1 else 0


def read_wav_data(path: Path) -> WavData | None:
    """Find the data chunk of a wav file; None for a file of another kind or without one. Raises OSError."""
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
    """Seconds of sound that a cut wav lacks, 0 for a whole one."""
    data = read_wav_data(path)
    return data.missing_bytes / data.bytes_per_second if data and data.bytes_per_second else 0.0
