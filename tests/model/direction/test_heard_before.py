"""What is carried from second to second, by hand."""

from dataclasses import replace

import numpy as np
import pytest
from sounding import segmentation

from c3n_model.direction.heard_before import KEPT, MOST, HeardBefore
from c3n_model.types import NANOSECONDS_PER_SECOND, Presence

SECOND = segmentation()
LABEL = SECOND.label


def at(second, **changes):
    return replace(SECOND, window_start_ns=second * NANOSECONDS_PER_SECOND, **changes)


def after_a_second_of(likelihoods, ids=(1, 2)):
    before = HeardBefore()
    before.begin(at(10))
    assert before.add(ids, likelihoods) == list(likelihoods), "nothing was heard before"
    return before


def test_two_weak_seconds_make_a_stronger_one():
    before = after_a_second_of([0.0, -1.0])
    before.begin(at(11))
    np.testing.assert_allclose(before.add([1, 2], [-0.2, -1.0]), [-0.2, -1.0 - KEPT])


def test_a_clear_second_of_another_one_counts_more_than_any_past():
    before = after_a_second_of([0.0, -9.0])
    for second in range(11, 20):
        before.begin(at(second))
        before.add([1, 2], [0.0, -9.0])
    before.begin(at(20))
    assert before.add([1, 2], [-9.0, 0.0]) == [-9.0, -MOST]


@pytest.mark.parametrize(
    "then",
    [
        at(13),
        at(9),
        at(11, label=replace(LABEL, audio="Bark")),
        at(11, presence=Presence(False, 0.1, -20.0)),
    ],
    ids=["after a pause", "back in time", "another sound", "no sound"],
)
def test_another_sound_starts_anew(then):
    before = after_a_second_of([0.0, -1.0])
    before.begin(then)
    assert before.add([1, 2], [-1.0, 0.0]) == [-1.0, 0.0]


@pytest.mark.parametrize("ids", [(1, 3), (0, 0)], ids=["a new object", "untracked"])
def test_objects_without_a_past_are_compared_by_this_second(ids):
    before = after_a_second_of([0.0, -1.0], ids=(1, 2) if ids[0] else ids)
    before.begin(at(11))
    assert before.add(ids, [-1.0, 0.0]) == [-1.0, 0.0]
