"""Velocity commands and their limits. Pure: no ROS, no clock."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Velocity:
    """Velocity command of a robot: `turn` in rad/s, counterclockwise positive, and `forward` in m/s."""

    turn: float = 0.0
    forward: float = 0.0

    @property
    def is_finite(self) -> bool:
        """Whether neither part is NaN or infinite."""
        return math.isfinite(self.turn) and math.isfinite(self.forward)


STANDSTILL = Velocity()


@dataclass(frozen=True)
class VelocityLimits:
    """Limits in rad/s, rad/s^2, m/s and m/s^2. A robot never drives backwards.

    Raises:
        ValueError: a number is negative or not finite, or an acceleration is 0.
    """

    max_turn: float = 1.0
    max_turn_acceleration: float = 2.0
    max_forward: float = 0.0
    max_forward_acceleration: float = 0.5

    def __post_init__(self):
        require_plausible_numbers(self)
        for name in ("max_turn_acceleration", "max_forward_acceleration"):
            if getattr(self, name) == 0:
                raise ValueError(f"{name}: expected more than 0, got 0: the robot could never stop")

    def next_velocity(self, current: Velocity, goal: Velocity, elapsed_s: float) -> Velocity:
        """Accelerate from `current` towards `goal` for `elapsed_s`, then clamp. The last step before publishing.

        Returns:
            |turn| <= max_turn and 0 <= forward <= max_forward for any input; standstill if anything is not finite.
            A limit lowered below `current` takes effect at once, whatever the acceleration.
        """
        if not (current.is_finite and goal.is_finite and math.isfinite(elapsed_s)):
            return STANDSTILL
        elapsed_s = max(elapsed_s, 0.0)
        turn = _approach(current.turn, goal.turn, self.max_turn_acceleration * elapsed_s)
        forward = _approach(current.forward, goal.forward, self.max_forward_acceleration * elapsed_s)
        return Velocity(_clamp(turn, -self.max_turn, self.max_turn), _clamp(forward, 0.0, self.max_forward))


def require_plausible_numbers(settings: Any) -> None:
    """Raise ValueError for a number of a settings dataclass that is negative or not finite."""
    for entry in fields(settings):
        value = getattr(settings, entry.name)
        if isinstance(value, (int, float)) and not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{entry.name}: expected a finite number of at least 0, got {value}")


def _approach(value: float, target: float, max_step: float) -> float:
    return value + _clamp(target - value, -max_step, max_step)


def _clamp(value: float, smallest: float, largest: float) -> float:
    return max(smallest, min(value, largest))
