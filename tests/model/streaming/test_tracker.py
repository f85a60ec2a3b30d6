"""Ids of objects: they stay under small motion, are never shared, and survive a pause but not an absence."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c3n_model.streaming.tracker import MEMORY_S, Tracker, generalised_iou
from c3n_model.types import SoundingObject

SECOND_NS = 1_000_000_000


def thing(x, y=0, side=40, label="dog"):
    return SoundingObject(label, 0.9, (int(x), int(y), side, side), (x + side / 2, y + side / 2), side * side)


def ids(tracker, objects, seconds):
    return [found.id for found in tracker.track(objects, round(seconds * SECOND_NS))]


@pytest.mark.parametrize(
    ("other", "expected"),
    [((0, 0, 4, 4), 1), ((2, 0, 4, 4), 8 / 24), ((4, 0, 4, 4), 0), ((12, 0, 4, 4), -0.5), ((0, 0, 2, 2), 0.25)],
)
def test_generalised_iou_by_hand(other, expected):
    assert generalised_iou((0, 0, 4, 4), other) == pytest.approx(expected)
    assert generalised_iou(other, (0, 0, 4, 4)) == pytest.approx(expected)


@given(
    steps=st.lists(st.tuples(st.integers(-15, 15), st.integers(-15, 15)), min_size=1, max_size=12),
    count=st.integers(1, 5),
    order=st.randoms(use_true_random=False),
)
def test_ids_stay_under_small_motion_in_whatever_order(steps, count, order):
    tracker, places = Tracker(), [(300 * k + 500, 500) for k in range(count)]
    first = ids(tracker, [thing(*place) for place in places], 0)
    assert first == list(range(1, count + 1))
    for second, (dx, dy) in enumerate(steps, start=1):
        places = [(x + dx, y + dy) for x, y in places]
        shuffled = order.sample(range(count), count)
        found = ids(tracker, [thing(*places[k]) for k in shuffled], second)
        assert found == [first[k] for k in shuffled]


boxes = st.tuples(st.integers(0, 300), st.integers(0, 300), st.integers(1, 90), st.sampled_from(["dog", "cat"]))


@given(st.lists(st.tuples(st.integers(0, 4), st.lists(boxes, max_size=6)), max_size=10))
def test_ids_are_unique(frames):
    tracker, last_seen, now = Tracker(), {}, 0
    for pause, things in frames:
        now += pause
        objects = [thing(x, y, side, label) for x, y, side, label in things]
        tracked = tracker.track(objects, now * SECOND_NS)
        found = [one.id for one in tracked]
        assert len(set(found)) == len(found)
        assert [(one.label, one.box) for one in tracked] == [(one.label, one.box) for one in objects]
        newest = max(last_seen, default=0)
        for one in found:
            assert one > newest or now - last_seen[one] <= MEMORY_S  # new, or of a thing that is remembered
            last_seen[one] = now


@pytest.mark.parametrize(("pause_s", "same"), [(1, True), (MEMORY_S, True), (MEMORY_S + 1, False)])
def test_re_entry(pause_s, same):
    tracker = Tracker()
    assert ids(tracker, [thing(100)], 0) == [1]
    assert ids(tracker, [], pause_s / 2) == []
    assert ids(tracker, [thing(105)], pause_s) == [1 if same else 2]


def test_another_place_is_another_object():
    tracker = Tracker()
    assert ids(tracker, [thing(0)], 0) == [1]
    assert ids(tracker, [thing(200)], 1) == [2]
    assert ids(tracker, [thing(200), thing(0)], 2) == [2, 1]


def test_an_object_whose_label_changes_keeps_its_id():
    tracker = Tracker()
    assert ids(tracker, [thing(0, label="truck"), thing(30, label="person")], 0) == [1, 2]
    assert ids(tracker, [thing(30, label="person"), thing(2, label="bus")], 1) == [2, 1]
    assert ids(tracker, [thing(30, label="dog")], 2) == [2]
    assert ids(tracker, [thing(55, label="cat")], 3) == [3]  # neither its label nor its place


def test_all_pairs_are_judged_at_once():
    """The nearer of two tracks would be taken by the first object if each took its best."""
    tracker = Tracker()
    assert ids(tracker, [thing(0), thing(60)], 0) == [1, 2]
    assert ids(tracker, [thing(40), thing(100)], 1) == [1, 2]


def test_a_stamp_before_the_last_starts_again_with_new_ids():
    tracker = Tracker()
    assert ids(tracker, [thing(0)], 10) == [1]
    assert ids(tracker, [thing(0)], 5) == [2]
    tracker.forget()
    assert ids(tracker, [thing(0)], 6) == [3]


def test_nothing_else_of_an_object_changes():
    (found,) = Tracker().track([thing(7)], 0)
    assert (found.score, found.area, found.centroid) == (0.9, 1600, (27.0, 20.0))
    assert np.isscalar(found.id)
