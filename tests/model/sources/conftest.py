"""A tiny video that is easy to recognise: frames of one grey level each, a tone as its sound."""

import numpy as np
import pytest

from c3n_model.sources.media import arrival_ns
from c3n_model.sources.video_writer import VideoWriter
from c3n_model.types import AudioChunk, Frame

SECOND = 1_000_000_000
FRAME_RATE = 10
SOUND_RATE = 16_000


def _tone(seconds, rate=SOUND_RATE, channels=1):
    wave = 0.3 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)
    return np.tile(wave[:, None].astype(np.float32), (1, channels))


def _make_items(seconds=2, size=(48, 64), rate=SOUND_RATE, channels=1):
    """Frames of level 10, 20, ... and a tone in chunks of 50 ms, in the order of their arrival."""
    frames = [
        Frame(np.full((*size, 3), 10 * (1 + k % 20), np.uint8), k * SECOND // FRAME_RATE)
        for k in range(round(seconds * FRAME_RATE))
    ]
    samples, step = _tone(seconds, rate, channels), rate // 20
    chunks = [AudioChunk(samples[at : at + step], rate, at * SECOND // rate) for at in range(0, len(samples), step)]
    return sorted(frames + chunks, key=arrival_ns)


@pytest.fixture
def tone():
    """`tone(seconds, rate, channels)` -> float32 (n, channels)."""
    return _tone


@pytest.fixture
def make_items():
    """`make_items(seconds, size, rate, channels)` -> frames and chunks in the order of their arrival."""
    return _make_items


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "clip.mp4"
    with VideoWriter(path) as writer:
        for item in _make_items():
            writer.write(item)
    return path
