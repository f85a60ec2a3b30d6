"""Real clips beside each other with the sound of one of them: which one moves in time with it?

Each clip is an object of its own in one picture, so that the truth is known. What its camera does counts as its motion.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import cv2
import numpy as np

from c3n_model.experiments.motion.bench import decided, outcome_of
from c3n_model.experiments.motion.scenes import HEIGHT, WIDTH, texture
from c3n_model.experiments.zero_shot.sounds import videos
from c3n_model.motion.motion_memory import MotionMemory
from c3n_model.sources.media import VideoSource
from c3n_model.types import NANOSECONDS_PER_SECOND, AudioChunk, Frame

SECONDS = 5
_INSET = (38, 54)  # width and height of a clip in the picture


@dataclass(frozen=True)
class MovingClip:
    """SECONDS of a video: `frames` of _INSET pixels, and its sound float32 (n,) at `rate`."""

    name: str
    frames: tuple[Frame, ...]
    sound: np.ndarray
    rate: int


def read_clips(folder: Path) -> list[MovingClip]:
    """Return the whole parts of SECONDS of the videos in a folder. Raises ValueError if there are fewer than two."""
    found = [clip for path in videos(folder) for clip in _parts(path)]
    if len(found) < 2:
        raise ValueError(f"expected videos with 2 parts of {SECONDS} s or more in {folder}, got {len(found)}")
    return found


def measure_clips(clips: list[MovingClip], random: np.random.Generator) -> Counter:
    """Count "right", "undecided" and "wrong" of all ordered pairs of clips from different videos, the first of which sounds."""
    outcomes: Counter = Counter(right=0, undecided=0, wrong=0)
    for sounding, other in permutations(clips, 2):
        if sounding.name != other.name:
            outcomes[_decide(sounding, other, random)] += 1
    return outcomes


def _decide(sounding: MovingClip, other: MovingClip, random: np.random.Generator) -> str:
    background, on_the_left = texture(HEIGHT, WIDTH, 8, random), bool(random.integers(2))
    left, right = (sounding, other) if on_the_left else (other, sounding)
    numbers = np.zeros((HEIGHT, WIDTH), np.uint16)
    spots = [(slice(9, 9 + _INSET[1]), slice(x, x + _INSET[0])) for x in (7, WIDTH - 7 - _INSET[0])]
    for index, spot in enumerate(spots, start=1):
        numbers[spot] = index

    def beside() -> Iterator[Frame]:
        for frame in left.frames:
            near = min(right.frames, key=lambda each: abs(each.stamp_ns - frame.stamp_ns))
            rgb = np.repeat(background[..., None], 3, axis=2).astype(np.uint8)
            for spot, shown in zip(spots, (frame, near), strict=True):
                rgb[spot] = shown.rgb
            yield Frame(rgb, frame.stamp_ns)

    result = decided(beside(), [numbers] * SECONDS, sounding.sound, sounding.rate)
    return outcome_of(result, 1 if on_the_left else 2)


def _parts(path: Path) -> Iterator[MovingClip]:
    frames: list[Frame] = []
    chunks: list[AudioChunk] = []
    wanted = MotionMemory()
    for item in VideoSource(path, allow_silent=True):
        if isinstance(item, AudioChunk):
            chunks.append(item)
        elif wanted.wants(item.stamp_ns):
            wanted.add(item)
            frames.append(Frame(cv2.resize(item.rgb, _INSET, interpolation=cv2.INTER_AREA), item.stamp_ns))
    if not chunks or not frames:
        return
    sound, rate = np.concatenate([chunk.samples.mean(axis=1) for chunk in chunks]), chunks[0].sample_rate
    length_ns = SECONDS * NANOSECONDS_PER_SECOND
    for part in range(round(len(sound) / rate) // SECONDS):
        begin_ns = part * length_ns
        own = tuple(
            Frame(f.rgb, f.stamp_ns - begin_ns) for f in frames if begin_ns <= f.stamp_ns < begin_ns + length_ns
        )
        yield MovingClip(path.stem, own, np.resize(sound[part * SECONDS * rate :], SECONDS * rate), rate)
