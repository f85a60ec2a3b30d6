"""Quality of service: what to request, and what was requested and offered."""

from __future__ import annotations

from collections.abc import Iterable

from rclpy.qos import QoSProfile, ReliabilityPolicy

from c3n_ros.health.arrivals import Quality


def strongest_reliability(offered: Iterable[ReliabilityPolicy]) -> ReliabilityPolicy:
    """What to request so that every publisher reaches us: reliable only if all offer it, best effort if there is none."""
    offered = set(offered)
    return ReliabilityPolicy.RELIABLE if offered == {ReliabilityPolicy.RELIABLE} else ReliabilityPolicy.BEST_EFFORT


def quality_of(profile: QoSProfile) -> Quality:
    """What `arrivals` compares of a quality-of-service profile."""
    return Quality(profile.reliability.name.lower(), profile.durability.name.lower())


def reliability_of(name: str, value: str) -> ReliabilityPolicy:
    """The policy of parameter `name`. Raises ValueError for another value than reliable and best_effort."""
    choices = {"reliable": ReliabilityPolicy.RELIABLE, "best_effort": ReliabilityPolicy.BEST_EFFORT}
    if value not in choices:
        raise ValueError(f"parameter {name}: expected auto, reliable or best_effort, got {value!r}")
    return choices[value]
