"""The engine on the demo scene: seconds as offline, settings from the next second on."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest

from c3n_model.experiments.motion.bench import seen
from c3n_model.live.engine import QUIET_DBFS, Engine
from c3n_model.live.settings import Settings
from c3n_model.live.view import describe_second
from c3n_model.motion.in_time import TOO_LITTLE
from c3n_model.streaming.segment import segment
from c3n_model.streaming.session import Session
from c3n_model.synthetic.scenes import make_demo_scene
from c3n_model.synthetic.source import SceneSource
from c3n_model.types import AudioChunk, Frame


def scene(seconds):
    for item in SceneSource(make_demo_scene(), height=48, width=64, frame_rate=10):
        if item.stamp_ns > (seconds + 0.2) * 1e9:
            return
        yield item


def run_through(engine, items):
    """Push items and step each window as soon as it is cut."""
    for item in items:
        engine.push(item)
        if engine._newest is not None:
            window, engine._newest = engine._newest, None
            engine._step(window)


def test_the_seconds_are_those_of_a_session(tiny_model):
    engine = Engine(tiny_model, "cpu")
    run_through(engine, scene(3))
    expected = list(segment(scene(3), Session(tiny_model, "cpu")))[:3]
    assert len(engine.timeline) == 3
    for second, offline in zip(engine.timeline, expected, strict=True):
        assert second.segmentation.label == offline.label
        assert np.array_equal(second.segmentation.mask, offline.mask)
    assert engine.counts.windows == 3 and engine.counts.dropped_windows == 0
    described = describe_second(engine.timeline[0])
    assert described["pairs"] and described["heard"] and described["seen"]
    assert all(0 <= edge <= 1 for one in described["objects"] for edge in one["box"])


def test_settings_count_from_the_next_second_on(tiny_model):
    engine = Engine(tiny_model, "cpu", Settings(threshold=0.01))
    items = list(scene(3))
    run_through(engine, items[: len(items) // 2])
    before = engine.timeline[-1].segmentation
    assert before.mask.any() and before.presence.present
    other = next(label for label in tiny_model.audio_labels if label not in (before.label.audio, before.label.visual))
    assert engine.change(threshold=0.3, classes=[other.upper()]) == Settings(0.3, (other,))
    run_through(engine, items[len(items) // 2 :])
    after = engine.timeline[-1].segmentation
    if other not in (after.label.audio, after.label.visual):
        assert after.presence.reason == "filtered" and not after.mask.any()


@pytest.mark.parametrize(
    "wrong",
    [
        {"threshold": 0.0},
        {"threshold": 1.5},
        {"classes": ["striped bel"]},
        {"max_sources": 0},
        {"max_sources": 9},
        {"max_sources": 1.5},
        {"max_sources": "2"},
        {"compare_motion": 1},
        {"threshold": 0.3, "max_sources": 0},
    ],
)
def test_wrong_settings_change_nothing(tiny_model, wrong):
    engine = Engine(tiny_model, "cpu")
    with pytest.raises(ValueError) as refused:
        engine.change(**wrong)
    assert engine.settings == Settings()
    assert "classes" not in wrong or "striped bell" in str(refused.value)


def test_a_changed_number_of_sources_counts_from_the_next_second_on(tiny_model):
    engine = Engine(tiny_model, "cpu", Settings(max_sources=2))
    assert engine._session.max_sources == 2
    engine.change(max_sources=3)
    assert engine._session.max_sources == 2, "the network's thread changes it"
    run_through(engine, scene(1))
    assert engine._session.max_sources == 3 and tiny_model.network.max_sources == 1


def test_more_sources_than_the_model_names_are_refused(tiny_model):
    engine = Engine(tiny_model, "cpu")
    engine._session._exported = object()
    with pytest.raises(ValueError, match="max_sources is 2"):
        engine.change(max_sources=2)
    assert engine.settings == Settings() and engine.change(max_sources=1) == Settings()


NUMBERS = np.zeros((48, 64), np.uint16)
NUMBERS[16:32, 8:24], NUMBERS[16:32, 40:56] = 1, 2


def two_people(loud):
    """For each tenth of a second of `loud` a frame, in which the left person changes while it is loud and the right one always, and
    sound."""
    for tenth, is_loud in enumerate(loud):
        rgb = np.full((48, 64, 3), 90, np.uint8)
        for columns, number in ((slice(8, 24), loud[: tenth + 1].sum()), (slice(40, 56), tenth)):
            rgb[16:32, columns] = np.random.default_rng(int(number)).integers(0, 255, (16, 16, 1))
        stamp_ns = tenth * 10**8
        yield Frame(rgb, stamp_ns + 4 * 10**7)
        level = 0.1 if is_loud else 0.0
        yield AudioChunk(np.full((1_600, 1), level, np.float32), 16_000, stamp_ns)


@pytest.mark.parametrize("compares", [True, False])
def test_the_person_that_moves_in_time_with_the_sound_remains(tiny_model, compares):
    engine = Engine(tiny_model, "cpu", Settings(compare_motion=compares))
    # As an exported model, it has no evidence.
    engine._session = SimpleNamespace(step=lambda window: seen(NUMBERS, window.start_ns), is_exported=True)
    run_through(engine, two_people(np.random.default_rng(3).uniform(size=60) < 0.35))
    first, last = (describe_second(engine.timeline[index]) for index in (0, -1))
    assert first["heard"] == first["seen"] == first["pairs"] == []
    assert len(first["objects"]) == 2 and first["motion"] == ("unclear" if compares else "")
    assert first["motion_cause"] == (TOO_LITTLE if compares else "")
    assert [one["id"] for one in last["objects"]] == ([1] if compares else [1, 2])
    assert last["motion"] == ("chosen" if compares else "") and last["motion_cause"] == ""
    assert (last["objects"][0]["motion"] or 0) > (0.6 if compares else -1)
    assert last["named"] == [["Speech", "person"]]


def test_the_newest_window_wins_and_the_others_are_counted(tiny_model):
    engine = Engine(tiny_model, "cpu")
    for item in scene(4):
        engine.push(item)
    assert engine.counts.dropped_windows == 3
    stop = threading.Event()
    thread = threading.Thread(target=engine.run, args=(stop,))
    thread.start()
    while not engine.timeline:
        stop.wait(0.01)
    stop.set()
    thread.join()
    assert engine.timeline[0].segmentation.window_start_ns == 3 * 10**9


def test_the_level_of_the_sound(tiny_model):
    engine = Engine(tiny_model, "cpu")
    assert engine.level_dbfs() == QUIET_DBFS
    engine.push(AudioChunk(np.full((160, 1), 0.1, np.float32), 16_000, 0))
    assert engine.level_dbfs() == pytest.approx(-20, abs=0.01)


def test_a_network_that_fails_is_said_and_tried_again(tiny_model, monkeypatch):
    engine = Engine(tiny_model, "cpu")
    step = engine._session.step
    monkeypatch.setattr(engine._session, "step", lambda window: (_ for _ in ()).throw(RuntimeError("out of memory")))
    items = list(scene(2))
    run_through(engine, items[: len(items) // 2])
    assert "out of memory" in engine.problem and not engine.timeline
    monkeypatch.setattr(engine._session, "step", step)
    run_through(engine, items[len(items) // 2 :])
    assert engine.problem == "" and engine.timeline
