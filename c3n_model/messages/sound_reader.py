"""Convert the messages of any sound topic to chunks: of both packages audio_common_msgs, with or without stamp, PCM or MP3."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from c3n_model.messages.mp3 import Mp3Decoder, looks_like_mp3
from c3n_model.messages.sounds import (
    AudioFormat,
    chunk_from_audio_stamped,
    chunk_from_unstamped,
    format_from_info,
)
from c3n_model.messages.stamps import stamp_of
from c3n_model.types import AudioChunk

# Sound without stamps counts as gapless if it arrives within this time of the end of the last chunk, because scheduling delays
# its arrival by varying times.
ARRIVAL_JITTER_NS = 100_000_000
# Number of consecutive messages that must look like MP3. A single one can be PCM: an hour of noise has one such message.
_CERTAIN = 3


class SoundReader:
    """Converts the messages of one sound topic, in order, to chunks. Not thread safe.

    | message | stamp of its first sample |
    |---|---|
    | ros-drivers' `AudioDataStamped`, mgonzs13's `AudioStamped` | its header's |
    | `AudioData` of either | its arrival minus its duration, smoothed over `ARRIVAL_JITTER_NS` |

    MP3 is decoded if AudioInfo announces it or the bytes look like it.
    """

    def __init__(self, audio_format: AudioFormat | None = None):
        """`audio_format` (None: the defaults of AudioFormat) applies until `describe` is called. Stamped messages of mgonzs13
        contain their own format."""
        self.audio_format = audio_format or AudioFormat()
        self._mp3: Mp3Decoder | None = None
        self._suspects: list[tuple[Any, int]] = []  # messages that look like MP3, and their stamps
        self._expected_ns: int | None = None  # time of the next sample of sound without stamps

    def describe(self, info: Any) -> None:
        """Apply an AudioInfo of ros-drivers. Raises ValueError for an unsupported format and then changes nothing."""
        audio_format = format_from_info(info)
        if audio_format != self.audio_format:
            self.audio_format, self._mp3, self._suspects = audio_format, None, []

    def read(self, message: Any, arrival_ns: int) -> list[AudioChunk]:
        """Convert `message` to chunks: one for PCM, any number for MP3.

        `arrival_ns` is used only for messages without a stamp. Raises ValueError for sound that cannot be converted.
        """
        audio = getattr(message, "audio", message)
        if hasattr(audio, "info"):
            return [chunk_from_audio_stamped(message)]
        if not hasattr(message, "header"):
            return self.read_unstamped(message, arrival_ns)
        return self._chunks(audio, stamp_of(message.header))

    def read_unstamped(self, message: Any, arrival_ns: int) -> list[AudioChunk]:
        """Convert a message without a usable stamp; its sound ends at its arrival. Raises as `read`."""
        audio = getattr(message, "audio", message)
        if hasattr(audio, "info"):
            chunks = [chunk_from_audio_stamped(message)]
            return [self._placed(replace(chunk, stamp_ns=arrival_ns)) for chunk in chunks]
        return [self._placed(chunk) for chunk in self._chunks(audio, arrival_ns)]

    def _chunks(self, audio: Any, stamp_ns: int) -> list[AudioChunk]:
        if self.audio_format.is_mp3 or self._mp3 is not None:
            return self._decoded([(audio, stamp_ns)])
        self._suspects.append((audio, stamp_ns))
        if hasattr(audio, "data") and looks_like_mp3(np.frombuffer(audio.data, dtype=np.uint8)):
            return self._decoded(self._take_suspects()) if len(self._suspects) == _CERTAIN else []
        return [chunk_from_unstamped(audio, self.audio_format, stamp) for audio, stamp in self._take_suspects()]

    def _decoded(self, messages: list[tuple[Any, int]]) -> list[AudioChunk]:
        self._mp3 = self._mp3 or Mp3Decoder()
        try:
            return [chunk for audio, stamp_ns in messages for chunk in self._mp3.decode(audio.data, stamp_ns)]
        except ValueError:
            self._mp3 = None  # it may have been PCM after all
            raise

    def _take_suspects(self) -> list[tuple[Any, int]]:
        taken, self._suspects = self._suspects, []
        return taken

    def _placed(self, chunk: AudioChunk) -> AudioChunk:
        """Stamp a chunk with its beginning, given the arrival, which is its end."""
        stamp_ns = 2 * chunk.stamp_ns - chunk.end_ns
        if self._expected_ns is not None and abs(stamp_ns - self._expected_ns) < ARRIVAL_JITTER_NS:
            stamp_ns = self._expected_ns
        chunk = replace(chunk, stamp_ns=stamp_ns)
        self._expected_ns = chunk.end_ns
        return chunk
