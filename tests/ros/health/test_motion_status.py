"""What /diagnostics says of motion: decisions, causes, and what is lacking."""

from dataclasses import replace

import numpy as np
import pytest

from c3n_model.experiments.motion.bench import seen
from c3n_model.motion.in_time import NONE_IN_TIME, TOO_LITTLE
from c3n_ros.health.motion_status import PATIENCE_NS, MotionHealth, motion_status
from c3n_ros.health.status import Level

SECOND_NS = 1_000_000_000
NUMBERS = np.zeros((8, 16), np.uint16)
NUMBERS[2:6, 2:6], NUMBERS[2:6, 10:14] = 1, 2


def window(decision, number=0, motions=(0.5, None)):
    found = seen(NUMBERS, number * SECOND_NS)
    objects = tuple(replace(one, motion=motion) for one, motion in zip(found.objects, motions, strict=True))
    return replace(found, motion_decision=decision, objects=objects)


def test_decisions_and_causes_are_counted():
    health = MotionHealth(is_used=True)
    health.add(window("chosen"), "")
    for number in range(2):
        health.add(window("unclear", number), NONE_IN_TIME)
    health.add(window(""), "")
    found = motion_status(health)
    assert found.name == "sound_motion" and found.level == Level.OK
    assert found.message == "1 of 3 windows with two objects of a class chosen by motion"
    counts = {name: value for name, value in found.values.items() if name.startswith(("windows", "unclear"))}
    assert counts["windows: chosen"] == "1" and counts["windows: unclear"] == "2"
    assert counts["windows: no two objects of a class"] == "1"
    assert counts[f"unclear: {NONE_IN_TIME}"] == "2" and counts[f"unclear: {TOO_LITTLE}"] == "0"


def test_the_newest_correlations_are_shown_with_the_objects():
    health = MotionHealth(is_used=True)
    health.add(window("unclear"), TOO_LITTLE)
    label = seen(NUMBERS, 0).objects[0].label
    values = motion_status(health).values
    assert values[f"correlation of {label} #1"] == "0.50" and values[f"correlation of {label} #2"] == "unknown"


def test_nothing_to_compare_is_said_with_what_would_help():
    health = MotionHealth(is_used=True)
    health.add(window(""), "")
    found = motion_status(health)
    assert found.level == Level.OK and "no window had two objects of a class" in found.message
    assert "detector" in found.message


@pytest.mark.parametrize(
    "between, warns",
    [
        ([], True),
        ([("", "")], True),  # the objects were away for a second
        ([("unclear", NONE_IN_TIME)], False),
        ([("chosen", "")], False),
    ],
)
def test_too_little_for_long_is_a_warning_with_a_remedy(between, warns):
    health, patience_s = MotionHealth(is_used=True), PATIENCE_NS // SECOND_NS
    for number in range(patience_s + 1):
        health.add(window("unclear", number), TOO_LITTLE)
        assert motion_status(health).level == Level.OK, "what five seconds need"
    for decision, cause in between:
        health.add(window(decision, patience_s + 1), cause)
    health.add(window("unclear", patience_s + 2), TOO_LITTLE)
    found = motion_status(health)
    assert (found.level == Level.WARN) == warns
    assert not warns or ("12 s" in found.message and "four images a second" in found.message)


def test_a_stream_that_starts_again_is_not_a_long_one():
    health = MotionHealth(is_used=True)
    for number in (100, 0, 5):
        health.add(window("unclear", number), TOO_LITTLE)
    assert health.lacking_ns == 5 * SECOND_NS
