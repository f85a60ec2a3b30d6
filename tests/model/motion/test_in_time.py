"""When a sound is loud, what moves with it, and when one of several is chosen."""

from dataclasses import replace

import numpy as np
import pytest

from c3n_model.experiments.motion.bench import seen
from c3n_model.motion.in_time import (
    LAGS_NS,
    MARGIN,
    MIN_INTERVALS,
    NONE_IN_TIME,
    SEVERAL_ALIKE,
    SIGNIFICANCE,
    TOO_LITTLE,
    choose_moving,
    correlate,
    why_unclear,
)
from c3n_model.motion.sound_rhythm import STEPS_PER_S, Rhythm, loudness
from c3n_model.types import Frame, Window

TENTH_NS = 100_000_000
BEGINS_NS = np.arange(2, 48) * TENTH_NS  # of five seconds, as far as all lags have sound
NUMBERS = np.zeros((20, 60), np.uint16)
NUMBERS[5:15, 5:15], NUMBERS[5:15, 25:35], NUMBERS[5:15, 45:55] = 1, 2, 3


def window(sound, start_ns=0):
    return Window(start_ns, Frame(np.zeros((2, 2, 3), np.uint8), start_ns), np.asarray(sound, np.float32))


def rhythm_of(level):
    """Five seconds of `level` (500,)."""
    return Rhythm((number * 1_000_000_000, level[number * 100 : number * 100 + 100]) for number in range(5))


@pytest.mark.parametrize("rate", [16_000, 22_050, 32_000])
def test_loudness_is_the_root_mean_square_of_each_step(rate):
    sound = np.concatenate([np.full(rate // 2, 0.5), np.full(rate - rate // 2, -0.25)])
    loud = loudness(window(sound))
    assert loud.shape == (STEPS_PER_S,)
    assert loud[:50] == pytest.approx(0.5) and loud[51:] == pytest.approx(0.25)


def test_level_and_rise_over_an_interval_are_in_decades():
    level = np.full(500, 0.01)
    level[100:] = 0.1
    mean, rise = rhythm_of(level).over(np.array([0, 900_000_000, 2_000_000_000]), np.array([1, 11, 21]) * TENTH_NS)
    assert mean == pytest.approx([1, 1.5, 2]), "above a hundredth of the loudest"
    assert rise * np.array([100, 20, 10]) == pytest.approx([0, 1, 0], abs=1e-9)


def test_how_loud_a_recording_is_has_no_effect():
    level = np.random.default_rng(0).uniform(0.01, 1, 500)
    interval = np.array([0]), np.array([TENTH_NS])
    assert rhythm_of(level).over(*interval) == pytest.approx(rhythm_of(0.1 * level).over(*interval))


def test_seconds_without_sound_are_unknown():
    known = Rhythm([(0, np.ones(100)), (2_000_000_000, np.ones(100))])
    begins = np.array([-50_000_000, 0, 950_000_000, 1_500_000_000, 2_000_000_000, 2_950_000_000])
    assert np.isfinite(known.over(begins, begins + TENTH_NS)[0]).tolist() == [False, True, False, False, True, False]


@pytest.mark.parametrize("lag_ns", LAGS_NS)
def test_motion_in_time_with_the_level_correlates_at_any_usual_delay(lag_ns):
    level = 10 ** np.random.default_rng(1).uniform(-1.5, 0, 50).repeat(10)
    rhythm = rhythm_of(level)
    motion = np.square(rhythm.over(BEGINS_NS + lag_ns, BEGINS_NS + TENTH_NS + lag_ns)[0])
    correlation, count = correlate(motion, BEGINS_NS, BEGINS_NS + TENTH_NS, rhythm)
    assert correlation == pytest.approx(1, abs=1e-6) and count == len(BEGINS_NS)


def test_what_stands_still_does_not_correlate_and_too_little_is_unknown():
    rhythm = rhythm_of(np.random.default_rng(2).uniform(size=500))
    assert correlate(np.zeros(len(BEGINS_NS)), BEGINS_NS, BEGINS_NS + TENTH_NS, rhythm)[0] == 0
    few = BEGINS_NS[: MIN_INTERVALS - 1]
    assert correlate(np.ones(len(few)), few, few + TENTH_NS, rhythm) is None
    unknown = np.where(np.arange(len(BEGINS_NS)) < MIN_INTERVALS - 1, 1.0, np.nan)
    assert correlate(unknown, BEGINS_NS, BEGINS_NS + TENTH_NS, rhythm) is None


def chosen(*correlations, count=50):
    return choose_moving(seen(NUMBERS, 0), [None if each is None else (each, count) for each in correlations])


@pytest.mark.parametrize("right", [0, 1, 2])
def test_the_one_that_moves_with_the_sound_remains(right):
    found = chosen(*(0.7 if index == right else 0.1 for index in range(3)))
    assert found.motion_decision == "chosen" and [each.id for each in found.objects] == [right + 1]
    assert found.objects[0].motion == 0.7 and np.array_equal(found.mask, right + 1 == NUMBERS)


@pytest.mark.parametrize(
    "correlations, count",
    [
        ((0.8, 0.8 - MARGIN + 0.01, 0.1), 50),  # two alike
        ((SIGNIFICANCE / 50**0.5 - 0.01, -0.2, 0.0), 50),  # by chance
        ((0.55, 0.0, 0.0), 25),  # in half the time so much is chance
        ((0.9, 0.1, None), 50),
        ((None, None, None), 50),
    ],
)
def test_otherwise_all_stay(correlations, count):
    before, found = seen(NUMBERS, 0), chosen(*correlations, count=count)
    assert found.motion_decision == "unclear" and np.array_equal(found.mask, before.mask)
    assert [each.motion for each in found.objects] == list(correlations)
    assert tuple(replace(each, motion=None) for each in found.objects) == before.objects


def test_a_class_with_one_object_is_left_alone():
    before = seen(NUMBERS, 0)
    alone = replace(before, objects=tuple(replace(each, label=str(each.id)) for each in before.objects))
    assert choose_moving(alone, [(0.9, 50), (0.0, 50), (0.0, 50)]) is alone
    third = replace(before, objects=(*before.objects[:2], replace(before.objects[2], label="dog")))
    found = choose_moving(third, [(0.9, 50), (0.0, 50), (0.0, 50)])
    assert [each.id for each in found.objects] == [1, 3] and found.motion_decision == "chosen"


@pytest.mark.parametrize(
    "correlations, cause",
    [
        ([(0.7, 50), (0.1, 50), (0.1, 50)], ""),
        ([(0.7, 50), None, (0.1, 50)], TOO_LITTLE),
        ([(SIGNIFICANCE / 50**0.5 - 0.01, 50), (-0.2, 50), (0.0, 50)], NONE_IN_TIME),
        ([(0.8, 50), (0.8 - MARGIN + 0.01, 50), (0.1, 50)], SEVERAL_ALIKE),
    ],
)
def test_the_cause_of_an_unclear_decision(correlations, cause):
    found = seen(NUMBERS, 0)
    assert why_unclear(found.objects, correlations) == cause
    assert (choose_moving(found, correlations).motion_decision == "chosen") == (cause == "")


def test_there_is_no_cause_without_two_of_a_class_or_if_one_class_is_decided():
    one, two, three = seen(NUMBERS, 0).objects
    assert why_unclear((one, replace(two, label="dog")), [(0.0, 50), (0.0, 50)]) == ""
    pair, other = (one, two), (replace(three, label="dog"), replace(one, label="dog"))
    assert why_unclear((*pair, *other), [None, (0.1, 50), (0.9, 50), (0.1, 50)]) == ""
