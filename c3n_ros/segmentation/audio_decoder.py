"""Decodes a microphone's messages to sound, from the first one on: their format description may arrive later, or never."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from c3n_model.messages.limits import LimitError
from c3n_model.messages.sound_reader import SoundReader
from c3n_model.messages.sounds import AudioFormat
from c3n_model.messages.stamps import stamp_of
from c3n_model.types import NANOSECONDS_PER_SECOND, AudioChunk

# How long sound waits for its AudioInfo before it is decoded with the parameters' format.
PATIENCE_NS = NANOSECONDS_PER_SECOND
MAX_WAITING = 400  # messages


class AudioDecoder:
    """Converts messages, in order, to chunks. Not thread safe.

    Messages that describe themselves (mgonzs13's AudioStamped) are decoded at once. Others wait for an AudioInfo, for at most
    one second of their own time; then they are decoded as `assumed`. An AudioInfo with an unsupported format raises
    ValueError, and so does every message until a supported one arrives. Chunks are yielded one by one: a message that cannot
    be decoded does not cost the others their sound.
    """

    def __init__(self, assumed: AudioFormat, warn: Callable[[str], None]):
        """`warn` is called once for each condition that the user should know of and that costs no sound."""
        self._assumed, self._warn = assumed, warn
        self._reader = SoundReader(assumed)
        self._waiting: deque[tuple[Any, int]] = deque(maxlen=MAX_WAITING)  # message, arrival
        self._is_described = False
        self._warned_of_stamps = False
        self.refused = ""  # why the format in AudioInfo cannot be decoded

    def describe(self, info: Any) -> Iterator[AudioChunk]:
        """Take ros-drivers' AudioInfo and yield the sound that waited for it.

        Raises ValueError for an unsupported format, LimitError for implausible values, which change nothing.
        """
        try:
            self._reader.describe(info)
        except LimitError:
            raise
        except ValueError as error:
            self.refused = str(error)
            self._waiting.clear()
            raise
        self.refused, self._is_described = "", True
        yield from self._decode_waiting()

    def decode(self, message: Any, arrival_ns: int) -> Iterator[AudioChunk]:
        """Yield the sound that this message completes. Raises ValueError for a message that cannot be decoded."""
        if self.refused:
            raise ValueError(self.refused)
        if not hasattr(message, "header") and not self._warned_of_stamps:
            self._warned_of_stamps = True
            self._warn(
                "the sound has no stamps and gets its time of arrival instead: masks may lag behind it; use a stamped topic "
                "(audio_msg_type:=AudioDataStamped) if there is one"
            )
        self._waiting.append((message, arrival_ns))
        if not self._is_described and not hasattr(getattr(message, "audio", message), "info"):
            waited_ns = _time_of(message, arrival_ns) - _time_of(*self._waiting[0])
            if 0 <= waited_ns < PATIENCE_NS:
                return
            self._is_described = True
            self._warn(f"no AudioInfo arrived on audio/audio_info: decoding the sound as {self._assumed}")
        yield from self._decode_waiting()

    def _decode_waiting(self) -> Iterator[AudioChunk]:
        while self._waiting:
            yield from self._reader.read(*self._waiting.popleft())


def _time_of(message: Any, arrival_ns: int) -> int:
    return stamp_of(message.header) if hasattr(message, "header") else arrival_ns
