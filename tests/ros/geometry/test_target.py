"""Which object is gone for, by stamps."""

import math
from dataclasses import replace

import pytest
from sounding import segmentation

from c3n_ros.geometry.target import Sighting, Target, TargetSettings, TargetTracker, sightings_of, turn_between

SECOND_NS = 1_000_000_000
SETTINGS = TargetSettings(hold_s=2.0, switch_s=0.8, margin=1.5, smoothing_s=0.0)


def seen(bearing, weight=0.1, distance=None):
    return Sighting("bell", weight, bearing, 0.0, distance)


def track(tracker, *steps, period_s=0.5, begin_s=0.0):
    """Bearings of the target after each of `steps`, lists of sightings `period_s` apart."""
    stamps = [round((begin_s + number * period_s) * SECOND_NS) for number in range(len(steps))]
    targets = [tracker.update(stamp, sightings) for stamp, sightings in zip(stamps, steps)]
    return [target and target.bearing for target in targets]


def test_the_heaviest_object_is_the_target_at_once():
    assert track(TargetTracker(SETTINGS), [seen(0.5, 0.1), seen(-0.5, 0.2)]) == [-0.5]


def test_a_flickering_mask_does_not_shake_the_target():
    """Every other window the mask is gone, or a larger one elsewhere flashes up."""
    steps = [[seen(0.3)], [], [seen(0.3)], [seen(0.3), seen(-1.0, 0.9)], [seen(0.3)], [seen(-1.0, 0.9)], [seen(0.3)]]
    assert track(TargetTracker(SETTINGS), *steps) == [0.3] * 7


def test_a_better_object_is_the_target_after_the_set_time():
    """0.8 s at a window every half second: the third window in a row, one second after the first one."""
    both = [seen(0.3, 0.1), seen(-1.0, 0.2)]
    assert track(TargetTracker(SETTINGS), [seen(0.3)], both, both, both) == [0.3, 0.3, 0.3, -1.0]


def test_an_object_that_is_hardly_better_is_not_better():
    both = [seen(0.3, 0.1), seen(-1.0, 0.14)]
    assert track(TargetTracker(SETTINGS), [seen(0.3)], *[both] * 6)[-1] == 0.3


def test_an_interruption_restarts_the_time_of_a_better_object():
    both, alone = [seen(0.3, 0.1), seen(-1.0, 0.2)], [seen(0.3, 0.1)]
    assert track(TargetTracker(SETTINGS), alone, both, both, alone, both, both) == [0.3] * 6


def test_a_lost_target_is_kept_and_then_dropped():
    bearings = track(TargetTracker(SETTINGS), [seen(0.3)], *[[]] * 5)
    assert bearings == [0.3] * 5 + [None], "seen at 0 s, held to 2 s"


def test_between_windows_a_target_grows_too_old():
    tracker = TargetTracker(SETTINGS)
    tracker.update(0, [seen(0.3)])
    assert tracker.at(2 * SECOND_NS).bearing == 0.3 and tracker.at(2 * SECOND_NS + 1) is None


def test_another_object_replaces_a_lost_target():
    assert track(TargetTracker(SETTINGS), [seen(0.3)], *[[seen(-1.0)]] * 3) == [0.3, 0.3, 0.3, -1.0]


def test_the_first_target_may_have_to_be_confirmed():
    tracker = TargetTracker(TargetSettings(confirm_s=0.4))
    assert track(tracker, [seen(0.3)], [], [seen(0.3)], [seen(0.3)]) == [None, None, None, 0.3]


def test_a_clock_that_jumps_back_resets_the_state():
    tracker = TargetTracker(SETTINGS)
    track(tracker, [seen(0.3)], begin_s=100)
    assert track(tracker, [seen(-1.0)], begin_s=5) == [-1.0]


def test_smoothing_depends_on_time_not_on_windows():
    """A step of 0.1 rad: after one time constant 63 % of it are through, in one window or in four."""
    for count in (1, 4):
        tracker = TargetTracker(TargetSettings(smoothing_s=0.4))
        *_, last = track(tracker, [seen(0.0)], *[[seen(0.1)]] * count, period_s=0.4 / count)
        assert last == pytest.approx(0.1 * (1 - math.exp(-1)))


def test_distances_are_smoothed_and_kept_while_depth_is_blind():
    tracker = TargetTracker(TargetSettings(smoothing_s=0.4))
    tracker.update(0, [seen(0.0)])
    assert tracker.update(1, [seen(0.0, distance=2.0)]).distance == 2.0
    assert tracker.update(2, [seen(0.0)]).distance == 2.0
    assert tracker.update(400_000_002, [seen(0.0, distance=3.0)]).distance == pytest.approx(3 - math.exp(-1), abs=1e-6)


def test_a_target_behind_is_followed_across_the_half_turn():
    tracker = TargetTracker(TargetSettings(smoothing_s=0.0))
    bearings = track(tracker, [seen(math.pi - 0.1)], [seen(-math.pi + 0.1)])
    assert bearings[1] == pytest.approx(math.pi + 0.1)


def test_small_objects_and_objects_without_direction_are_ignored():
    assert track(TargetTracker(TargetSettings(min_weight=0.01)), [seen(0.3, 0.009), seen(math.nan, 0.5)]) == [None]


def test_sightings_of_a_segmentation():
    assert sightings_of(segmentation(bearing=None)) == []
    (one,) = sightings_of(segmentation(bearing=0.5, position=(3.0, 0.0, 4.0)))
    assert (one.label, one.bearing, one.elevation, one.distance) == ("clock", 0.5, 0.1, 5.0)
    assert one.weight == pytest.approx(0.8 * 6 / 24)


@pytest.mark.parametrize(
    "start, end, turn", [(0.1, 0.3, 0.2), (3.0, -3.0, 2 * math.pi - 6), (-3.0, 3.0, 6 - 2 * math.pi)]
)
def test_turns_take_the_shorter_way(start, end, turn):
    assert turn_between(start, end) == pytest.approx(turn)


def test_a_smoothed_target_moves_by_a_share_of_every_coordinate():
    tracker = TargetTracker(replace(SETTINGS, smoothing_s=1.0))
    first, second = Sighting("bell", 0.1, 0.0, 0.0, 2.0), Sighting("drum", 0.3, 0.2, 0.4, 4.0)
    taken = tracker.update(0, [first])
    assert taken == Target("bell", 0.1, 0.0, 0.0, 2.0, 0, 0)
    moved, share = tracker.update(SECOND_NS, [second]), 1 - math.exp(-1)
    assert (moved.label, moved.weight, moved.since_ns, moved.seen_ns) == ("drum", 0.3, 0, SECOND_NS)
    assert (moved.bearing, moved.elevation, moved.distance) == pytest.approx((0.2 * share, 0.4 * share, 2 + 2 * share))
