"""Delays of a session with known output."""

from types import SimpleNamespace

import numpy as np
import pytest

from c3n_model.experiments.zero_shot import streams
from c3n_model.experiments.zero_shot.pictures import Picture
from c3n_model.experiments.zero_shot.scenes import matched
from c3n_model.experiments.zero_shot.sounds import Sound
from c3n_model.experiments.zero_shot.streams import SECONDS, Stream
from c3n_model.labels.named_sounds import source_of
from c3n_model.progress import silent

RATE = 10


def constant(level, folder="dog"):
    return Sound(f"{folder}/{level}", np.full(5 * RATE, level, np.float32), RATE, *source_of(folder))


class Delayed:
    """Stand-in for a session with a delay: level 0.1 gives a dog at the left, 0.2 a car at the right, others an empty mask."""

    def __init__(self, delay):
        self.model, self._delay, self._levels = SimpleNamespace(sample_rate=RATE), delay, []

    def reset(self):
        self._levels.clear()

    def step(self, window):
        self._levels.append(round(float(window.snippet.mean()), 2))
        level = self._levels[max(len(self._levels) - 1 - self._delay, 0)]
        mask = np.zeros((4, 8), bool)
        mask[:, {0.1: slice(0, 4), 0.2: slice(4, 8)}.get(level, slice(0, 0))] = True
        return SimpleNamespace(mask=mask, pairs=(("a sound", {0.1: "dog", 0.2: "car"}.get(level, "cat")),))


@pytest.fixture(params=[0, 1, 3, SECONDS])
def delay(request, monkeypatch):
    monkeypatch.setattr(streams, "new_session", lambda model, device: Delayed(request.param))
    return request.param


def make_stream(first, second, nouns):
    return Stream(f"{first} {second}", "p", np.zeros((4, 8, 3), np.uint8), constant(first), constant(second), nouns)


def test_how_long_a_mask_lingers(delay):
    found = streams.lingering(
        None, [make_stream(0.1, 0.3, ("dog", "")), make_stream(0.3, 0.4, ("dog", ""))], "cpu", silent
    )
    assert (found["streams"], found["painted_streams"], found["median_s"]) == (2, 1, delay)


def test_a_mask_elsewhere_does_not_linger(delay):
    found = streams.lingering(None, [make_stream(0.1, 0.2, ("dog", ""))], "cpu", silent)
    assert found["median_s"] == delay


def test_how_soon_a_new_source_is_named(delay):
    todo = [make_stream(0.1, 0.2, ("dog", "car")), make_stream(0.1, 0.3, ("dog", "car"))]
    found = streams.switching(None, todo, "cpu", silent)
    assert (found["streams"], found["named_alone"]) == (2, 1)  # the second is never named, alone or not
    assert found["named_after_switch"] == (delay < SECONDS)
    assert found["within_2_s"] == (delay < 2)
    assert found["median_s"] == (delay if delay < SECONDS else None)


def test_nothing_to_play(monkeypatch):
    monkeypatch.setattr(streams, "new_session", lambda model, device: Delayed(0))
    assert streams.lingering(None, [], "cpu", silent)["median_s"] is None
    assert streams.switching(None, [], "cpu", silent)["within_2_s"] is None


def test_streams_of_pictures():
    left, right = np.zeros((2, 10, 10), bool)
    left[:, :5], right[:, 5:] = True, True
    picture = Picture("p", np.zeros((10, 10, 3), np.uint8), {"dog": [left], "person": [right]})
    sounds = [constant(0.1), constant(0.2, "sneezing"), constant(0.3, "rooster"), constant(0.4, "rain")]
    lingering = streams.lingering_streams(matched([picture], sounds), [picture], sounds)
    assert [(s.first.name, s.second.name) for s in lingering] == [
        ("dog/0.1", "rooster/0.3"),
        ("sneezing/0.2", "rooster/0.3"),
    ]
    switching = streams.switching_streams([picture], sounds)
    assert [s.nouns for s in switching] == [("dog", "person"), ("person", "dog")]
    windows = list(streams.windows_of(switching[0], [switching[0].first, switching[0].second], RATE))
    assert len(windows) == 2 * SECONDS and windows[1].start_ns == 1_000_000_000
    assert [round(float(windows[at].snippet.mean()), 2) for at in (SECONDS - 1, SECONDS)] == [0.1, 0.2]
