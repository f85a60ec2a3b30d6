"""Two threads between callbacks and publishers: nobody waits for somebody slower, and nothing grows."""

import threading
import time

import numpy as np
import pytest

from c3n_model.streaming.windows import WindowAssembler, WindowRules
from c3n_model.types import AudioChunk
from c3n_ros.health.guard import Guard
from c3n_ros.segmentation import pipeline as module
from c3n_ros.segmentation.pipeline import Pipeline
from c3n_ros.segmentation.serialized import SerializedMessage

SECOND_NS = 1_000_000_000


class Sound:
    """Sound that is decoded already, or cannot be."""

    topic = "sound"

    def __init__(self, *chunks, error=None):
        self._chunks, self._error = chunks, error

    def chunks(self):
        if self._error is not None:
            raise self._error
        return self._chunks


def wait_until(condition, timeout_s=5.0):
    deadline = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.002)
    return condition()


@pytest.fixture
def run():
    """`run(segment)` starts a pipeline that runs its items in its `guard`."""
    started = []

    def start(segment):
        pipeline = Pipeline(WindowAssembler(16_000), guard := Guard(lambda text: None))
        pipeline.guard = guard
        pipeline.start(segment)
        started.append(pipeline)
        return pipeline

    yield start
    for pipeline in started:
        pipeline.stop()


def feed(pipeline, first, last, depth=False):
    """Seconds of images (10 Hz, at the tenths and a bit) and sound."""
    for tenth in range(10 * first, 10 * last + 1):
        stamp_ns = tenth * SECOND_NS // 10
        if depth:
            pipeline.add_companion("depth", SerializedMessage(stamp_ns + SECOND_NS // 25 + 5_000_000, b"", bytes))
        pipeline.add_image(SerializedMessage(stamp_ns + SECOND_NS // 25, b"", lambda data: data))
        pipeline.add_sound(Sound(AudioChunk(np.zeros((1600, 1), np.float32), 16_000, stamp_ns)))
        assert wait_until(lambda: pipeline.waiting["images"] == pipeline.waiting["sounds"] == 0)


def test_every_window_of_a_quick_network(run):
    windows = []
    pipeline = run(windows.append)
    for second in range(4):
        feed(pipeline, second, second + 1)
        assert wait_until(lambda count=second + 1: len(windows) == count)
    assert [pending.window.start_ns // SECOND_NS for pending in windows] == [0, 1, 2, 3]
    assert [pending.window.frame.stamp_ns % SECOND_NS for pending in windows] == [940_000_000] * 4
    assert vars(pipeline.dropped) == {"windows": 0, "images": 0, "sounds": 0}


def test_a_slow_network_gets_the_newest_window_and_delays_no_input(run):
    go, windows = threading.Event(), []

    def segment(pending):
        windows.append(pending)
        go.wait(10)

    pipeline = run(segment)
    feed(pipeline, 0, 6)
    assert wait_until(lambda: pipeline.counts.windows == 6), "windows are cut while the network is busy"
    assert pipeline.waiting == {"images": 0, "sounds": 0, "windows": 1}
    go.set()
    assert wait_until(lambda: len(windows) == 2)
    assert [pending.window.start_ns // SECOND_NS for pending in windows] == [0, 5]
    assert (windows[1].passed_over, windows[1].dropped_windows, pipeline.dropped.windows) == (4, 4, 4)


def test_queues_are_bounded_if_the_intake_stalls():
    pipeline = Pipeline(WindowAssembler(16_000), Guard(lambda text: None))  # not started
    for number in range(module.SOUNDS_WAITING + 7):
        pipeline.add_image(SerializedMessage(number, b"", bytes))
        pipeline.add_sound(Sound())
    assert pipeline.waiting == {"images": module.IMAGES_WAITING, "sounds": module.SOUNDS_WAITING, "windows": 0}
    assert (pipeline.dropped.images, pipeline.dropped.sounds) == (module.SOUNDS_WAITING + 7 - module.IMAGES_WAITING, 7)


def test_a_failure_costs_one_window_or_one_sound_only(run):
    windows = []

    def segment(pending):
        windows.append(pending)
        if len(windows) == 1:
            raise RuntimeError("lost the GPU")

    pipeline = run(segment)
    feed(pipeline, 0, 1)
    assert wait_until(lambda: windows)
    pipeline.add_sound(Sound(error=ValueError("no sound at all")))
    feed(pipeline, 1, 2)
    assert wait_until(lambda: len(windows) == 2)
    failures = pipeline.guard.failures
    assert {source: (failure.count, failure.cause) for source, failure in failures.items()} == {
        "window": (1, "RuntimeError: lost the GPU"),
        "sound": (1, "no sound at all"),
    }


def test_an_image_that_breaks_the_assembler_costs_that_image_only(run, monkeypatch):
    windows = []
    pipeline = run(windows.append)
    feed(pipeline, 0, 1)
    add_frame = pipeline._assembler.add_frame
    monkeypatch.setattr(pipeline._assembler, "add_frame", lambda frame: 1 / 0)
    pipeline.add_image(SerializedMessage(0, b"", bytes, "/camera/image_raw"))
    assert wait_until(lambda: pipeline.guard.failures)
    assert "ZeroDivisionError" in pipeline.guard.failures["/camera/image_raw"].cause
    monkeypatch.setattr(pipeline._assembler, "add_frame", add_frame)
    feed(pipeline, 1, 3)
    assert wait_until(lambda: pipeline.counts.windows == 3) and pipeline.dead_threads == []


@pytest.mark.parametrize("name", ["intake", "network"])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_ended_is_named(name):
    def end(*arguments):
        raise SystemExit

    segment = end if name == "network" else lambda pending: None
    pipeline = Pipeline(WindowAssembler(16_000), Guard(lambda text: None))
    assert pipeline.dead_threads == []
    pipeline.start(segment)
    if name == "network":
        feed(pipeline, 0, 1)
    else:
        pipeline.add_sound(Sound(error=SystemExit()))
    assert wait_until(lambda: pipeline.dead_threads == [name])
    pipeline.stop()
    assert pipeline.dead_threads == []


def test_depth_stamped_far_ahead_does_not_displace_later_depth(run):
    windows = []
    pipeline = run(windows.append)
    for hour in range(1, 6):
        pipeline.add_companion("depth", SerializedMessage(hour * 3600 * SECOND_NS + 940_000_000, b"", bytes))
    feed(pipeline, 0, 1, depth=True)
    assert wait_until(lambda: windows) and windows[0].companions["depth"].stamp_ns == 945_000_000


def test_a_companion_belongs_to_the_nearest_image(run):
    windows = []
    pipeline = run(windows.append)
    pipeline.add_companion(
        "points", SerializedMessage(800_000_000, b"", bytes)
    )  # 140 ms before the image: of another moment
    feed(pipeline, 0, 1, depth=True)
    assert wait_until(lambda: windows)
    assert {name: found.stamp_ns for name, found in windows[0].companions.items()} == {"depth": 945_000_000}
    feed(pipeline, 1, 3)
    assert wait_until(lambda: pipeline.counts.windows == 3 and len(windows) > 1) and windows[-1].companions == {}


def test_rules_change_while_it_runs(run):
    windows = []
    pipeline = run(windows.append)
    feed(pipeline, 0, 2)
    pipeline.rules = WindowRules(hop_ns=SECOND_NS // 2)
    feed(pipeline, 2, 5)
    assert wait_until(lambda: pipeline.counts.windows >= 7)
    starts = {pending.window.start_ns % SECOND_NS for pending in windows}
    assert starts <= {0, SECOND_NS // 2} and pipeline.counts.windows > 6


def test_stop_waits_for_the_window_in_progress_and_leaves_no_thread(run):
    finished = []

    def segment(pending):
        time.sleep(0.3)
        finished.append(pending)

    before = threading.active_count()
    pipeline = Pipeline(WindowAssembler(16_000), Guard(lambda text: None))
    pipeline.start(segment)
    feed(pipeline, 0, 1)
    assert wait_until(lambda: pipeline.counts.windows == 1 and pipeline.waiting["windows"] == 0)
    pipeline.stop()
    assert len(finished) == 1 and threading.active_count() == before
