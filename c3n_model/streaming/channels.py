"""Selection of the microphone channels; the network gets their mean."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from c3n_model.types import AudioChunk, Frame

ALL = "all"
# The mean of n independent channels has 1/n of their energy. With a tenth of that, they cancel each other out.
_CANCELLED_FRACTION = 0.1
_MIN_ENERGY = 1e-6  # -60 dBFS: quieter channels are not checked
_MEMORY_S, _MIN_JUDGED_S = 2.0, 0.5


def parse_channels(text: str) -> tuple[int, ...]:
    """Return the channels, counted from 0, of a text such as "0-4" or "0,2"; empty for "all" or "".

    Raises ValueError for any other text, or one that names more than 64 channels.
    """
    if text.strip() in ("", ALL):
        return ()
    channels: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,3})\s*(?:-\s*(\d{1,3})\s*)?", part)
        if match is None:
            raise ValueError(f"expected channels as all, 0, 0-4 or 0,2 (counted from 0), got {text!r}")
        channels += range(int(match[1]), int(match[2] or match[1]) + 1)
    if not channels or len(set(channels)) < len(channels) or len(channels) > 64:
        raise ValueError(f"expected 1 to 64 channels, each once and in ascending ranges, got {text!r}")
    return tuple(channels)


def select_channels(chunk: AudioChunk, channels: tuple[int, ...]) -> AudioChunk:
    """Return `chunk` with these channels only, or unchanged if `channels` is empty. Raises ValueError if it lacks one."""
    if not channels:
        return chunk
    remedy = "choose others (node: audio_use_channels, command line: --channels)"
    return replace(chunk, samples=_columns(chunk.samples, channels, "was chosen", remedy))


def with_microphones(chunk: AudioChunk, channels: tuple[int, ...]) -> AudioChunk:
    """Return `chunk` with the channels of a microphone array apart, or unchanged if `channels` is empty.

    Raises ValueError if it lacks one.
    """
    if not channels:
        return chunk
    remedy = "correct the channels in the array's file, or record all channels of the device"
    return replace(chunk, microphones=_columns(chunk.samples, channels, "is a microphone of the array", remedy))


def _columns(samples: np.ndarray, channels: tuple[int, ...], role: str, remedy: str) -> np.ndarray:
    count = samples.shape[1]
    if max(channels) >= count:
        raise ValueError(f"channel {max(channels)} {role}, but the sound has {count} (0 to {count - 1}): {remedy}")
    return samples[:, channels]


class CancellationCheck:
    """Detects channels that cancel each other out in their mean over the last seconds, for example with opposite signs."""

    def __init__(self) -> None:
        self._channel_energy = self._mean_energy = self._seconds = 0.0
        self._channels = 0

    def add(self, chunk: AudioChunk) -> bool:
        """Add the next chunk and return whether the channels cancel each other out."""
        count, channels = chunk.samples.shape
        if channels != self._channels:
            self._channel_energy = self._mean_energy = self._seconds = 0.0
            self._channels = channels
        if channels < 2 or count == 0:
            return False
        samples = np.nan_to_num(chunk.samples, posinf=0, neginf=0)
        seconds = count / chunk.sample_rate
        kept = math.exp(-seconds / _MEMORY_S)
        self._channel_energy = kept * self._channel_energy + float(np.square(samples).mean()) * seconds
        self._mean_energy = kept * self._mean_energy + float(np.square(samples.mean(axis=1)).mean()) * seconds
        self._seconds = kept * self._seconds + seconds
        is_judged = self._seconds >= _MIN_JUDGED_S and self._channel_energy > _MIN_ENERGY * self._seconds
        return is_judged and self._mean_energy * channels < _CANCELLED_FRACTION * self._channel_energy


class ChosenChannels:
    """A source (`c3n_model.sources.Source`) reduced to the chosen channels; `notes` warn if they cancel each other out."""

    def __init__(self, source: Any, channels: tuple[int, ...], array_channels: tuple[int, ...] = ()):
        """`channels` are counted from 0; empty for all; `array_channels` are those of a microphone array, empty without one."""
        self._source, self._channels, self._array_channels = source, channels, array_channels
        self._cancelled = False

    @property
    def notes(self) -> list[str]:
        """The notes of the source, and after the iteration a warning if channels cancelled each other out."""
        warning = f"warning: {cancellation_warning('--channels 0')}"
        return [*self._source.notes, *([warning] if self._cancelled else [])]

    def __iter__(self) -> Iterator[Frame | AudioChunk]:
        check = CancellationCheck()
        for item in self._source:
            if isinstance(item, AudioChunk):
                item = select_channels(with_microphones(item, self._array_channels), self._channels)
                self._cancelled |= check.add(item)
            yield item

    def __length_hint__(self) -> int:
        return self._source.__length_hint__()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)


def cancellation_warning(remedy: str) -> str:
    """Return the warning about channels that cancel each other out; `remedy` is an option that chooses one of them."""
    return f"the channels cancel each other out: each is loud, their mean is nearly silent; use one, as with {remedy}"
