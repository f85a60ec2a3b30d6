"""No sequence of inputs moves the robot beyond its limits. `pytest --hypothesis-profile=fuzz` runs 20,000 cases of each."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c3n_ros.geometry.follow import MAX_STALL_S, FollowSettings, SoundFollower
from c3n_ros.geometry.target import Sighting, TargetSettings
from c3n_ros.geometry.velocity import STANDSTILL

CASES = settings(max_examples=max(300, settings().max_examples))
TICK_NS, SECOND_NS = 50_000_000, 1_000_000_000
BEGIN_NS = 1_700_000_000 * SECOND_NS
INT64 = st.integers(-(2**63), 2**63 - 1)

# Half of all numbers are plausible, so that the robot does move.
NUMBERS = st.one_of(st.floats(-4, 4), st.floats())
SIGHTINGS = st.one_of(
    st.builds(Sighting, st.just("bell"), st.floats(0, 1), st.floats(-3, 3), st.floats(-1, 1), st.floats(0.1, 20)),
    st.builds(Sighting, st.just("bell"), NUMBERS, NUMBERS, NUMBERS, st.none() | NUMBERS),
)
STAMPS = st.one_of(st.integers(-SECOND_NS, 0), st.integers(-5 * SECOND_NS, 5 * SECOND_NS), INT64)  # relative to now
STEPS = st.one_of(st.just(TICK_NS), st.integers(0, 300_000_000), st.integers(-SECOND_NS, 2 * SECOND_NS), INT64)
EVENTS = st.one_of(
    st.tuples(st.just("see"), STAMPS, st.lists(SIGHTINGS, max_size=3), st.booleans()),
    st.tuples(st.just("turned"), STAMPS, NUMBERS),
    st.tuples(st.just("command"), STEPS),
    st.tuples(st.just("command"), st.just(TICK_NS)),
    st.sampled_from([("forget",), ("halt",), ("reset",)]),
)
SETTINGS = st.builds(
    FollowSettings,
    gain=st.floats(0, 1e308),
    max_turn=st.floats(0.1, 3),
    max_turn_acceleration=st.floats(0.5, 1e3),
    max_forward=st.just(0.0) | st.floats(0.1, 3),
    max_forward_acceleration=st.floats(0.5, 1e3),
    search=st.booleans(),
    search_after_s=st.floats(0, 2),
    search_turn=st.floats(0, 1e308),
    search_sector=st.floats(0, 7),
    timeout_s=st.floats(0.2, 2),
    target=st.builds(TargetSettings, confirm_s=st.floats(0, 0.3), smoothing_s=st.floats(0, 1)),
)


class Driver:
    """Gives a follower its inputs and checks every command against the limits and the one before."""

    def __init__(self, follower):
        self.follower, self.now_ns, self.velocity = follower, BEGIN_NS, STANDSTILL

    def do(self, kind, *arguments):
        if kind == "command":
            return self.command(*arguments)
        if kind == "see":
            offset_ns, sightings, audible = arguments
            return self.follower.add_objects(self.now_ns + offset_ns, sightings, audible=audible)
        if kind == "turned":
            offset_ns, heading = arguments
            return self.follower.add_heading(self.now_ns + offset_ns, heading)
        if kind != "forget":
            self.velocity = STANDSTILL
        return getattr(self.follower, kind)()

    def command(self, step_ns):
        self.now_ns += step_ns
        before, after, limits = self.velocity, self.follower.command(self.now_ns), self.follower.settings
        assert abs(after.turn) <= limits.max_turn and 0 <= after.forward <= limits.max_forward
        elapsed_s = step_ns / SECOND_NS
        if not 0 <= elapsed_s <= MAX_STALL_S:
            assert after == STANDSTILL, "the clock jumped, or the loop stalled"
        else:
            assert abs(after.turn - before.turn) <= limits.max_turn_acceleration * elapsed_s + 1e-9
            assert abs(after.forward - before.forward) <= limits.max_forward_acceleration * elapsed_s + 1e-9
        self.velocity = after
        return after


def seconds_to_stop(limits):
    turning, driving = (
        limits.max_turn / limits.max_turn_acceleration,
        limits.max_forward / limits.max_forward_acceleration,
    )
    return limits.timeout_s + max(turning, driving)


def ticks(seconds):
    return math.ceil(seconds * SECOND_NS / TICK_NS) + 1


@CASES
@given(SETTINGS, st.booleans(), st.lists(EVENTS, max_size=40))
def test_any_inputs_in_any_order(settings, odometry, events):
    """Limits hold at each command; it stands still in time after the last input; then good inputs move it again."""
    driver = Driver(SoundFollower(settings, odometry=odometry))
    driver.command(0)
    for event in events:
        driver.do(*event)
    for _ in range(ticks(seconds_to_stop(settings))):
        driver.command(TICK_NS)
    assert driver.command(TICK_NS) == STANDSTILL, "the input ended"
    settings = replace(settings, gain=2.0, target=replace(settings.target, smoothing_s=0.0))
    driver.follower.settings = settings
    for tick in range(60):  # the target of before is given up after switch_s
        driver.do("turned", 0, 0.0)
        if tick % 4 == 0:
            driver.do("see", 0, [Sighting("bell", 0.5, 1.0, 0.0, 5.0)], True)
        driver.command(TICK_NS)
    assert driver.velocity.turn > 0.05, "it recovers"


@CASES
@given(st.lists(EVENTS, max_size=20), st.floats(0.1, 1), st.floats(0.1, 1))
def test_changed_limits_apply_at_once(events, max_turn, max_forward):
    follower = SoundFollower(FollowSettings(max_turn=3.0, max_forward=3.0, search=True))
    driver = Driver(follower)
    driver.command(0)
    for event in events:
        driver.do(*event)
    follower.settings = FollowSettings(max_turn=max_turn, max_forward=max_forward)
    velocity = follower.command(driver.now_ns + TICK_NS)
    assert abs(velocity.turn) <= max_turn and 0 <= velocity.forward <= max_forward


@pytest.mark.parametrize("field", ["weight", "bearing", "elevation", "distance"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 3.4e38, -1e-3 - math.pi])
def test_one_implausible_number_refuses_the_sighting(field, value):
    follower = SoundFollower(FollowSettings(max_forward=1.0))
    follower.command(0)
    follower.add_objects(0, [replace(Sighting("bell", 0.5, 0.5, 0.0, 5.0), **{field: value})], audible=True)
    assert follower.target(0) is None and follower.rejected == {"objects": 1}
    follower.add_objects(1, [Sighting("bell", 0.5, 0.5, 0.0, 5.0)], audible=True)
    assert follower.target(1).bearing == 0.5 and follower.rejected == {"objects": 1}


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_heading_that_is_not_finite_is_refused(value):
    follower = SoundFollower(odometry=True)
    follower.add_heading(1, 0.25)
    follower.add_heading(2, value)
    follower.add_objects(2, [Sighting("bell", 0.5, 0.5, 0.0)], audible=True)
    assert follower.target(2).bearing == pytest.approx(0.5) and follower.rejected["odometry"] == 1


def test_a_nan_state_stops_the_robot_and_is_reset():
    """As if a number slipped through: the last line of defence."""
    driver = Driver(SoundFollower(FollowSettings(max_forward=1.0, max_turn_acceleration=100.0)))
    driver.command(0)
    driver.do("see", 0, [Sighting("bell", 0.5, 0.2, 0.0, 5.0)], True)
    assert driver.command(TICK_NS).turn > 0
    tracker = driver.follower._tracker
    tracker._target = replace(tracker._target, bearing=math.nan, distance=math.nan)
    assert driver.follower.command(driver.now_ns + TICK_NS) == STANDSTILL
    driver.now_ns, driver.velocity = driver.now_ns + TICK_NS, STANDSTILL
    driver.do("see", 0, [Sighting("bell", 0.5, 0.2, 0.0, 5.0)], True)
    assert driver.command(TICK_NS).turn > 0


def test_a_loop_that_stalled_starts_from_standstill():
    driver = Driver(SoundFollower(FollowSettings(timeout_s=60.0)))
    driver.command(0)
    driver.do("see", 0, [Sighting("bell", 0.5, 3.0, 0.0)], True)
    for _ in range(20):
        driver.command(TICK_NS)
    assert driver.velocity.turn == 1.0
    assert driver.command(round(MAX_STALL_S * SECOND_NS) + 1) == STANDSTILL


@pytest.mark.parametrize("commands", [0, 1])
def test_an_input_from_the_future_counts_from_its_arrival(commands):
    driver = Driver(SoundFollower(FollowSettings(timeout_s=1.0, target=TargetSettings(hold_s=60.0))))
    for _ in range(commands):
        driver.command(0)
    driver.do("see", SECOND_NS - 1, [Sighting("bell", 0.5, 3.0, 0.0)], True)
    driver.command(0)
    for _ in range(ticks(1.0 + 0.5)):
        driver.command(TICK_NS)
    assert driver.velocity == STANDSTILL


def test_a_stamp_from_the_far_future_does_not_end_the_search():
    driver = Driver(SoundFollower(FollowSettings(search=True, search_after_s=0.5)))
    driver.command(0)
    driver.do("see", 10**18, [], True)
    for tick in range(40):
        if tick % 4 == 0:
            driver.do("see", 0, [], True)
        driver.command(TICK_NS)
    assert driver.velocity.turn == 0.5
