"""A microphone through PortAudio (sounddevice): stamped chunks, and a stream that is reopened after a failure.

PortAudio's callback thread copies a chunk, stamps it and queues it; everything else happens in the thread that calls `update`
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

QUEUE_S = 5.0  # seconds of sound that may wait; then the oldest chunk is lost
# A stream without sound for this long has failed: ALSA often only stops calling back when a microphone is unplugged.
DEAD_AFTER_S = 2.0
# Larger values are not latencies: PulseAudio's ALSA plugin leaves PortAudio's times at 0.
LONGEST_LATENCY_S = 2.0


@dataclass(frozen=True)
class MicrophoneSettings:
    """Recording settings: S16LE from `device`, an index or part of a name as `describe_devices` lists them ("": the default).

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
        """Samples per channel in a chunk."""
        return self.sample_rate * self.chunk_ms // 1000


@dataclass(frozen=True)
class RecordedChunk:
    """Interleaved S16LE, and the stamp of its first sample."""

    pcm: bytes
    stamp_ns: int


class BackOff:
    """Schedules retries: after `first_s`, then twice as long each time, at most `longest_s`."""

    def __init__(self, first_s: float = 0.5, longest_s: float = 10.0):
        self._first_s, self._longest_s = first_s, longest_s
        self.reset()

    def reset(self) -> None:
        """Start over after a success."""
        self._wait_s, self._next_s = self._first_s, 0.0

    def is_due(self, steady_s: float) -> bool:
        """Return whether it is time to try."""
        return steady_s >= self._next_s

    def failed(self, steady_s: float) -> float:
        """Record a failure at `steady_s` and return how long to wait."""
        waited_s = self._wait_s
        self._next_s, self._wait_s = steady_s + waited_s, min(2 * waited_s, self._longest_s)
        return waited_s


class Microphone:
    """An input stream that `update` opens, monitors and reopens.

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
        self._lost = 0  # chunks that were not taken in time, and overflows reported by the driver
        self._seen, self._seen_s, self._reported_lost = 0, 0.0, 0
        self._failed = False  # since the last sound

    def update(self, steady_s: float) -> str:
        """Open the stream or check it; to be called periodically with a steady clock.

        Returns a message for the log, or "".
        """
        if self._stream is None:
            return self._open(steady_s) if self._back_off.is_due(steady_s) else ""
        if self._received != self._seen:
            self._seen, self._seen_s = self._received, steady_s
            self._back_off.reset()
            self._failed = False
        if not self._stream.active or steady_s - self._seen_s > DEAD_AFTER_S:
            return self._retry_later(steady_s, "the microphone stopped: was it unplugged?")
        if self._lost > self._reported_lost:
            lost, self._reported_lost = self._lost - self._reported_lost, self._lost
            return f"{lost} chunks of sound were lost: reduce the load on this machine"
        return ""

    def take(self) -> list[RecordedChunk]:
        """Return the chunks since the last call, oldest first."""
        taken = []
        while self._queue:
            taken.append(self._queue.popleft())
        return taken

    def close(self) -> None:
        """Stop the stream, if it is open."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def _open(self, steady_s: float) -> str:
        settings = self._settings
        try:
            if self._failed:  # PortAudio lists devices once: only restarting it detects one that is back
                with suppress(self._sounddevice.PortAudioError):  # it was not initialised
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
        ) as error:  # ValueError: no device of that name, or several
            return self._retry_later(
                steady_s,
                f"the microphone {settings.device!r} cannot be opened with {settings.channels} channels at "
                f"{settings.sample_rate} Hz ({' '.join(str(error).split())}); --list shows the devices.",
            )
        self._seen, self._seen_s = self._received, steady_s
        return f"listening to {settings.device or 'the default microphone'}"

    def _retry_later(self, steady_s: float, reason: str) -> str:
        self.close()
        self._failed = True
        return f"{reason} Trying again in {self._back_off.failed(steady_s):.1f} s"

    def _on_sound(self, data: Any, samples: int, times: Any, status: Any) -> None:
        """Copy, stamp and queue a chunk; called by PortAudio."""
        now_ns, stream = self._now_ns(), self._stream
        if status.input_overflow or len(self._queue) == self._queue.maxlen:
            self._lost += 1
        latency_s = latency_of(times, samples / self._settings.sample_rate, stream.latency if stream else 0.0)
        self._queue.append(RecordedChunk(bytes(data), now_ns - round(latency_s * NANOSECONDS_PER_SECOND)))
        self._received += 1


def latency_of(times: Any, chunk_s: float, stream_latency_s: float) -> float:
    """Return the seconds from the first sample of a chunk to the call that delivers it.

    From PortAudio's times where the driver sets them, else the longer of the chunk and the stream's latency: a chunk arrives
    after its last sample.
    """
    latency_s = times.currentTime - times.inputBufferAdcTime
    if times.inputBufferAdcTime > 0 and 0 < latency_s < LONGEST_LATENCY_S:
        return latency_s
    return max(chunk_s, min(stream_latency_s, LONGEST_LATENCY_S))


def describe_devices(sounddevice: ModuleType | Any) -> list[str]:
    """Return a line for each device that can record: index, name, channels, rate."""
    devices = enumerate(sounddevice.query_devices())
    lines = [
        f"{index:>3}  {device['name']}  ({device['max_input_channels']} channels, {device['default_samplerate']:.0f} Hz)"
        for index, device in devices
        if device["max_input_channels"] > 0
    ]
    return lines or ["no recording device: is a microphone plugged in, and does this user have access (group audio)?"]


def load_sounddevice() -> ModuleType:
    """Import sounddevice. Raises ValueError that says what to install if it or PortAudio is missing."""
    try:
        return importlib.import_module("sounddevice")
    except ImportError:
        raise ValueError("sounddevice is not installed: pip install sounddevice, then start the node again") from None
    except OSError:
        raise ValueError("PortAudio is not installed: apt install libportaudio2, then start the node again") from None


def _device(name: str) -> int | str | None:
    if name.isdecimal():
        return int(name)
    return name or None
