"""Quality of service (QoS): what to request, and what was requested and offered."""

from __future__ import annotations

from collections.abc import Iterable

from rclpy.qos import QoSProfile, ReliabilityPolicy

from c3n_ros.health.arrivals import QoS


def strongest_reliability(offered: Iterable[ReliabilityPolicy]) -> ReliabilityPolicy:
    """Return the strongest reliability that matches all publishers: reliable only if all offer it, best effort without any."""
    offered = set(offered)
    return ReliabilityPolicy.RELIABLE if offered == {ReliabilityPolicy.RELIABLE} else ReliabilityPolicy.BEST_EFFORT


def offer_of(profile: QoSProfile) -> QoS:
    """Return the policies of a profile that decide whether publisher and subscription match."""
    return QoS(profile.reliability.name.lower(), profile.durability.name.lower())


def reliability_of(name: str, value: str) -> ReliabilityPolicy:
    """Return the policy for a value of parameter `name`. Raises ValueError unless it is reliable or best_effort."""
    choices = {"reliable": ReliabilityPolicy.RELIABLE, "best_effort": ReliabilityPolicy.BEST_EFFORT}
    if value not in choices:
        raise ValueError(f"parameter {name}: expected auto, reliable or best_effort, got {value!r}")
    return choices[value]
