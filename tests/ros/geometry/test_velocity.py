"""Velocity limits: the last step before a command leaves."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c3n_ros.geometry.follow import FollowSettings
from c3n_ros.geometry.target import TargetSettings
from c3n_ros.geometry.velocity import STANDSTILL, Velocity, VelocityLimits

LIMITS = VelocityLimits(max_turn=1.0, max_turn_acceleration=2.0, max_forward=0.5, max_forward_acceleration=0.25)
VELOCITIES = st.builds(Velocity, st.floats(), st.floats())


def test_acceleration_is_limited():
    assert LIMITS.next_velocity(STANDSTILL, Velocity(1.0, 0.5), 0.1) == Velocity(
        pytest.approx(0.2), pytest.approx(0.025)
    )
    assert LIMITS.next_velocity(Velocity(1.0, 0.5), STANDSTILL, 0.1) == Velocity(
        pytest.approx(0.8), pytest.approx(0.475)
    )


def test_speed_is_limited_and_never_backwards():
    assert LIMITS.next_velocity(STANDSTILL, Velocity(-9.0, 9.0), 100.0) == Velocity(-1.0, 0.5)
    assert LIMITS.next_velocity(STANDSTILL, Velocity(0.0, -9.0), 100.0) == STANDSTILL


def test_a_limit_below_the_current_speed_applies_at_once():
    assert LIMITS.next_velocity(Velocity(3.0, 2.0), Velocity(3.0, 2.0), 0.0) == Velocity(1.0, 0.5)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_give_standstill(bad):
    fast = Velocity(1.0, 0.5)
    for current, wanted, elapsed_s in [
        (Velocity(bad, 0.5), fast, 0.1),
        (fast, Velocity(bad, 0.5), 0.1),
        (fast, Velocity(1.0, bad), 0.1),
        (fast, fast, bad),
    ]:
        assert LIMITS.next_velocity(current, wanted, elapsed_s) == STANDSTILL


@given(VELOCITIES, VELOCITIES, st.floats())
def test_limits_hold_for_any_numbers(current, wanted, elapsed_s):
    velocity = LIMITS.next_velocity(current, wanted, elapsed_s)
    assert abs(velocity.turn) <= 1.0 and 0 <= velocity.forward <= 0.5


@pytest.mark.parametrize(
    "settings, name", [(FollowSettings, "max_turn"), (FollowSettings, "timeout_s"), (TargetSettings, "gate")]
)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -1.0])
def test_invalid_limits_are_refused(settings, name, bad):
    with pytest.raises(ValueError, match=f"{name}.*{bad}"):
        settings(**{name: bad})


def test_a_robot_that_could_never_stop_is_refused():
    with pytest.raises(ValueError, match="max_forward_acceleration"):
        FollowSettings(max_forward_acceleration=0.0)
