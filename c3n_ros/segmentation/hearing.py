"""A microphone's messages to sound, from the first one on: what describes them may come later than they do, or never."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from c3n_model.messages.limits import LimitError
from c3n_model.messages.sound_reader import SoundReader
from c3n_model.messages.sounds import AudioFormat
from c3n_model.messages.stamps import stamp_of
from c3n_model.types import NANOSECONDS_PER_SECOND, AudioChunk

# How long sound waits for its description before it is read as the parameters say.
PATIENCE_NS = NANOSECONDS_PER_SECOND
MOST_WAITING = 400  # messages


class Hearing:
    """Messages in their order, to chunks. Not locked: one thread at a time.

    Sound that describes itself (mgonzs13's AudioStamped) is read at once. Other sound waits for an AudioInfo, for a second
    of its own time at most, then it is read as `assumed`. What AudioInfo describes and nobody can read raises ValueError,
    with every message until a better description comes. Chunks are handed out one by one: a message that cannot be read
    costs no other its sound.
    """

    def __init__(self, assumed: AudioFormat, warn: Callable[[str], None]):
        """`warn` is told once of each thing that the user should know and that costs no sound."""
        self._assumed, self._warn = assumed, warn
        self._reader = SoundReader(assumed)
        self._waiting: deque[tuple[Any, int]] = deque(maxlen=MOST_WAITING)  # message, arrival
        self._is_described = False
        self._warned_of_stamps = False
        self.refused = ""  # why what AudioInfo describes cannot be read

    def describe(self, info: Any) -> Iterator[AudioChunk]:
        """ros-drivers' AudioInfo: the sound that waited for it. Raises ValueError if nobody can read that format, LimitError
        for a description that cannot be true, which changes nothing."""
        try:
            self._reader.describe(info)
        except LimitError:
            raise
        except ValueError as error:
            self.refused = str(error)
            self._waiting.clear()
            raise
        self.refused, self._is_described = "", True
        yield from self._read_waiting()

    def read(self, message: Any, arrival_ns: int) -> Iterator[AudioChunk]:
        """The sound that this message completes. Raises ValueError for what cannot be read."""
        if self.refused:
            raise ValueError(self.refused)
        if not hasattr(message, "header") and not self._warned_of_stamps:
            self._warned_of_stamps = True
            self._warn(
                "the sound has no stamps and gets those of its arrival: masks may lag behind it; take a stamped topic "
                "(audio_msg_type:=AudioDataStamped) where there is one"
            )
        self._waiting.append((message, arrival_ns))
        if not self._is_described and not hasattr(getattr(message, "audio", message), "info"):
            waited_ns = _time_of(message, arrival_ns) - _time_of(*self._waiting[0])
            if 0 <= waited_ns < PATIENCE_NS:
                return
            self._is_described = True
            self._warn(f"nobody describes the sound on audio/audio_info: reading it as {self._assumed}")
        yield from self._read_waiting()

    def _read_waiting(self) -> Iterator[AudioChunk]:
        while self._waiting:
            yield from self._reader.read(*self._waiting.popleft())


def _time_of(message: Any, arrival_ns: int) -> int:
    return stamp_of(message.header) if hasattr(message, "header") else arrival_ns
