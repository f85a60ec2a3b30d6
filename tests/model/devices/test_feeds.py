"""Feeds push what they have with the machine's clock, and say what is wrong."""

import threading
import time

import numpy as np
import pytest
from fake_capture import FakeCapture
from fake_sounddevice import FakeSounddevice
from scene_video import write_scene_video

from c3n_model.devices import feeds
from c3n_model.devices.camera import Camera
from c3n_model.devices.feeds import CameraFeed, MicrophoneFeed, RecordingFeed
from c3n_model.devices.microphone import MicrophoneSettings
from c3n_model.sources import open_source
from c3n_model.streaming.segment import cut_windows
from c3n_model.streaming.windows import WindowAssembler
from c3n_model.types import AudioChunk, Frame


class Running:
    """A feed in its thread; `items` is what it pushed."""

    def __init__(self, feed):
        self.feed, self.items, self.stop = feed, [], threading.Event()
        self.thread = threading.Thread(target=feed.run, args=(self.items.append, self.stop), daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join(timeout=10)
        assert not self.thread.is_alive()

    def wait_for(self, condition, timeout_s=20):
        end_s = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < end_s, (self.feed.problem, len(self.items))
            time.sleep(0.01)


def test_a_camera_that_is_unplugged_comes_back(monkeypatch):
    monkeypatch.setattr(feeds, "RETRY_S", 0.02)
    captures = [FakeCapture(pictures=4), FakeCapture(opened=False), FakeCapture(opened=False), FakeCapture(pictures=9)]
    waiting = iter(captures)
    feed = CameraFeed("0", lambda name: Camera(name, make_capture=lambda _: next(waiting, FakeCapture(opened=False))))
    problems = set()
    with Running(feed) as running:
        running.wait_for(lambda: problems.add(feed.problem) or len(running.items) >= 3 + 8)
    assert captures[0].released and len(running.items) == 3 + 8
    assert any("cannot be opened" in problem for problem in problems)


def test_a_camera_that_is_missing_at_the_start_is_refused():
    with pytest.raises(ValueError, match="camera 0 cannot be opened"):
        CameraFeed("0", lambda name: Camera(name, make_capture=lambda _: FakeCapture(opened=False)))


def test_a_microphone_becomes_chunks():
    device = FakeSounddevice()
    pcm = np.array([0, 16384, -32768, 0], "<i2").tobytes()
    with Running(MicrophoneFeed(MicrophoneSettings(sample_rate=8000, channels=2), device)) as running:
        device.streams[0].feed(pcm)
        running.wait_for(lambda: running.items)
    (chunk,) = running.items
    assert chunk.sample_rate == 8000 and chunk.samples.tolist() == [[0.0, 0.5], [-1.0, 0.0]]
    assert abs(time.time_ns() - chunk.stamp_ns) < 60e9
    assert device.streams[0].closed


def test_a_microphone_that_is_missing_is_refused_in_one_line():
    device = FakeSounddevice()
    device.plugged = False
    with pytest.raises(ValueError, match="cannot be opened") as refused:
        MicrophoneFeed(MicrophoneSettings(), device)
    assert "Trying again" not in str(refused.value) and "\n" not in str(refused.value)


def test_a_recording_is_played_at_its_pace_with_its_own_windows(tmp_path):
    path = write_scene_video(tmp_path / "clip.mp4", seconds=2)
    expected = [window.snippet for window in cut_windows(open_source(path), 16_000)]
    begin_s = time.monotonic()
    with Running(RecordingFeed(open_source(path))) as running:
        running.wait_for(lambda: running.items and running.items[-1].stamp_ns - running.items[0].stamp_ns > 2.1e9)
    assert time.monotonic() - begin_s > 2
    assembler, windows = WindowAssembler(16_000), []
    for item in list(running.items):
        (assembler.add_frame if isinstance(item, Frame) else assembler.add_audio)(item)
        windows += assembler.ready()
    assert len(windows) >= 1
    assert np.abs(windows[0].snippet - expected[0]).max() < 1e-3


def test_a_recording_starts_again_and_its_sound_can_be_left_out(tmp_path):
    path = write_scene_video(tmp_path / "clip.mp4", seconds=1)
    with Running(RecordingFeed(open_source(path), sound=False)) as running:
        running.wait_for(lambda: len(running.items) > 14)  # it has 13 frames
    stamps = [item.stamp_ns for item in running.items]
    assert stamps == sorted(stamps) and not any(isinstance(item, AudioChunk) for item in running.items)


def test_a_recording_that_breaks_says_so(monkeypatch):
    monkeypatch.setattr(feeds, "RETRY_S", 0.01)

    class Broken:
        name = "broken"

        def __iter__(self):
            raise ValueError("broke off")

    with Running(RecordingFeed(Broken())) as running:
        running.wait_for(lambda: running.feed.problem == "broke off")
