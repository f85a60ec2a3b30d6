"""The offline main job: windows of a source, or a clear word why there are none."""

from dataclasses import replace

import numpy as np
import pytest

from c3n_model.streaming.segment import describe_second, segment
from c3n_model.streaming.session import Session
from c3n_model.synthetic.scenes import make_demo_scene
from c3n_model.synthetic.source import SceneSource
from c3n_model.types import AudioChunk, Frame


def test_every_second_of_a_scene_becomes_a_window(tiny_model):
    source = SceneSource(make_demo_scene(), height=48, width=64, frame_rate=8)
    shown = []
    seconds = list(segment(source, Session(tiny_model, "cpu", presence_threshold=1.0), show=shown.append))
    assert [second.window_start_ns for second in seconds] == [k * 10**9 for k in range(20)]
    assert all(second.heard == 1 for second in seconds)
    assert [second.stamp_ns for second in seconds] == [
        k * 10**9 + 875_000_000 for k in range(20)
    ]  # 8 Hz: 7/8 and 8/8 tie
    assert len(shown) == 20 * (8 + 50) + 1
    assert describe_second(seconds[0]).split()[2] == "unsure", "it is loud, and no score reaches 1"
    quiet = replace(seconds[0], presence=replace(seconds[0].presence, loudness_dbfs=-61.0))
    assert describe_second(quiet).split()[2] == "silent"


def test_nothing_to_segment_says_what_was_missing(tiny_model):
    frames = [Frame(np.zeros((8, 8, 3), np.uint8), k * 100_000_000) for k in range(30)]
    with pytest.raises(ValueError, match=r"30 frames and 0 chunks of sound.* images from 0.00 s to 2.90 s"):
        list(segment(frames, Session(tiny_model, "cpu")))
    sound = [AudioChunk(np.zeros((16000, 1), np.float32), 16000, k * 10**9) for k in range(3)]
    with pytest.raises(ValueError, match="3 seconds had no frame"):
        list(segment(sound, Session(tiny_model, "cpu")))
