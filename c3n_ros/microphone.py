"""A microphone through PortAudio (sounddevice): chunks with the time of their first sample, and a stream that comes back.

PortAudio's callback thread copies a chunk, stamps it and queues it; everything else happens in the thread that calls `tend`
and `take`.
"""

from __future__ import annotations

import importlib
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from c3n_model.types import NANOSECONDS_PER_SECOND

QUEUE_S = 5.0  # of sound may wait to be taken; then the oldest is lost
# A stream that brought nothing for so long is gone: ALSA often just stops calling when a microphone is pulled out.
DEAD_AFTER_S = 2.0
# Latencies beyond are no latencies: PulseAudio's ALSA plugin leaves PortAudio's times at 0.
LONGEST_LATENCY_S = 2.0


@dataclass(frozen=True)
class MicrophoneSettings:
    """What is recorded: S16LE of `device`, an index or a part of a name as `describe_devices` lists them ("": the default).

    Raises ValueError for a number out of its range.
    """

    device: str = ""
    sample_rate: int = 16000
    channels: int = 1
    chunk_ms: int = 20

    def __post_init__(self):
        for name, smallest, largest in (("sample_rate", 8000, 192_000), ("channels", 1, 32), ("chunk_ms", 5, 500)):
            if not smallest <= getattr(self, name) <= largest:
                raise ValueError(f"expected {name} in [{smallest}, {largest}], got {getattr(self, name)}")

    @property
    def chunk_samples(self) -> int:
        """Samples of each channel in a chunk."""
        return self.sample_rate * self.chunk_ms // 1000


@dataclass(frozen=True)
class RecordedChunk:
    """Interleaved S16LE, and when its first sample was heard."""

    pcm: bytes
    stamp_ns: int


class BackOff:
    """When to try again: after `first_s`, then twice as long each time, at most `longest_s`."""

    def __init__(self, first_s: float = 0.5, longest_s: float = 10.0):
        self._first_s, self._longest_s = first_s, longest_s
        self.reset()

    def reset(self) -> None:
        """It worked."""
        self._wait_s, self._next_s = self._first_s, 0.0

    def is_due(self, steady_s: float) -> bool:
        """Whether it is time to try."""
        return steady_s >= self._next_s

    def failed(self, steady_s: float) -> float:
        """It did not work at `steady_s`; returns how long to wait."""
        waited_s = self._wait_s
        self._next_s, self._wait_s = steady_s + waited_s, min(2 * waited_s, self._longest_s)
        return waited_s


class Microphone:
    """One input stream that is opened, watched and opened again by `tend`.

    Args:
        sounddevice: the module, from `load_sounddevice`.
        settings: what to record.
        now_ns: the clock of the stamps; called in PortAudio's thread.
    """

    def __init__(self, sounddevice: ModuleType | Any, settings: MicrophoneSettings, now_ns: Callable[[], int]):
        self._sounddevice, self._settings, self._now_ns = sounddevice, settings, now_ns
        self._queue: deque[RecordedChunk] = deque(maxlen=max(round(QUEUE_S * 1000 / settings.chunk_ms), 2))
        self._stream = None
        self._back_off = BackOff()
        self._received = 0  # chunks; written by PortAudio's thread only, like _lost
        self._lost = 0  # chunks that nobody took, and overflows that the driver told of
        self._seen, self._seen_s, self._told_lost = 0, 0.0, 0
        self._failed = False  # since the last sound

    def tend(self, steady_s: float) -> str:
        """Open the stream, or look after it; to be called every now and then with a clock that never jumps.

        Returns what people should know, else "".
        """
        if self._stream is None:
            return self._open(steady_s) if self._back_off.is_due(steady_s) else ""
        if self._received != self._seen:
            self._seen, self._seen_s = self._received, steady_s
            self._back_off.reset()
            self._failed = False
        if not self._stream.active or steady_s - self._seen_s > DEAD_AFTER_S:
            return self._give_up(steady_s, "the microphone stopped: was it unplugged?")
        if self._lost > self._told_lost:
            lost, self._told_lost = self._lost - self._told_lost, self._lost
            return f"{lost} chunks of sound were lost: this machine is too busy"
        return ""

    def take(self) -> list[RecordedChunk]:
        """The chunks that came since the last call, oldest first."""
        taken = []
        while self._queue:
            taken.append(self._queue.popleft())
        return taken

    def close(self) -> None:
        """Stop the stream, if there is one."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def _open(self, steady_s: float) -> str:
        settings = self._settings
        try:
            if self._failed:  # PortAudio lists devices once: only starting it anew finds one that came back
                with suppress(self._sounddevice.PortAudioError):  # it was not running
                    self._sounddevice._terminate()
                self._sounddevice._initialize()
            self._stream = self._sounddevice.RawInputStream(
                samplerate=settings.sample_rate,
                blocksize=settings.chunk_samples,
                device=_device(settings.device),
                channels=settings.channels,
                dtype="int16",
                callback=self._on_sound,
            )
            self._stream.start()
        except (
            self._sounddevice.PortAudioError,
            ValueError,
        ) as error:  # ValueError: no or several devices of that name
            return self._give_up(
                steady_s,
                f"the microphone {settings.device!r} cannot be opened with {settings.channels} channels at "
                f"{settings.sample_rate} Hz ({' '.join(str(error).split())}); --list shows what there is.",
            )
        self._seen, self._seen_s = self._received, steady_s
        return f"listening to {settings.device or 'the default microphone'}"

    def _give_up(self, steady_s: float, why: str) -> str:
        self.close()
        self._failed = True
        return f"{why} Trying again in {self._back_off.failed(steady_s):.1f} s"

    def _on_sound(self, data: Any, samples: int, times: Any, status: Any) -> None:
        """PortAudio's callback: copy, stamp, queue."""
        now_ns, stream = self._now_ns(), self._stream
        if status.input_overflow or len(self._queue) == self._queue.maxlen:
            self._lost += 1
        latency_s = latency_of(times, samples / self._settings.sample_rate, stream.latency if stream else 0.0)
        self._queue.append(RecordedChunk(bytes(data), now_ns - round(latency_s * NANOSECONDS_PER_SECOND)))
        self._received += 1


def latency_of(times: Any, chunk_s: float, stream_latency_s: float) -> float:
    """Seconds from the first sample of a chunk to the call that delivers it.

    By PortAudio's times of both where the driver fills them in, else the longer of the chunk and the stream's latency: the
    last sample is over when a chunk comes.
    """
    latency_s = times.currentTime - times.inputBufferAdcTime
    if times.inputBufferAdcTime > 0 and 0 < latency_s < LONGEST_LATENCY_S:
        return latency_s
    return max(chunk_s, min(stream_latency_s, LONGEST_LATENCY_S))


def describe_devices(sounddevice: ModuleType | Any) -> list[str]:
    """A line for each device that can record: index, name, channels, rate."""
    devices = enumerate(sounddevice.query_devices())
    lines = [
        f"{index:>3}  {device['name']}  ({device['max_input_channels']} channels, {device['default_samplerate']:.0f} Hz)"
        for index, device in devices
        if device["max_input_channels"] > 0
    ]
    return lines or ["no device can record: is a microphone plugged in, and may this user use it (group audio)?"]


def load_sounddevice() -> ModuleType:
    """The module sounddevice. Raises ValueError that says what to install where it or PortAudio is missing."""
    try:
        return importlib.import_module("sounddevice")
    except ImportError:
        raise ValueError("sounddevice is not installed: pip install sounddevice, then start the node again") from None
    except OSError:
        raise ValueError(
            "PortAudio, which records, is not installed: apt install libportaudio2, then start the node again"
        ) from None


def _device(name: str) -> int | str | None:
    if name.isdecimal():
        return int(name)
    return name or None
