"""Quality of service (QoS): what to request, and what was requested and offered."""

from __future__ import annotations

from collections.abc import Iterable

from rcl_interfaces.msg import ParameterDescriptor
from rclpy.node import Node
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


def sound_reliability(node: Node, topic: str) -> ReliabilityPolicy:
    """Return the reliability to request for the sound: by default (`auto`) the best that all its publishers offer.

    The parameter is declared here because rclpy's own would keep the first choice for ever. Raises ValueError for another value.
    """
    name = f"qos_overrides.{topic}.subscription.reliability"
    if not node.has_parameter(name):
        description = "reliability of the sound: reliable, best_effort or auto (the best that all publishers offer)"
        node.declare_parameter(name, "auto", ParameterDescriptor(description=description, read_only=True))
    value = node.get_parameter(name).value
    if value != "auto":
        return reliability_of(name, value)
    publishers = node.get_publishers_info_by_topic(topic)
    return strongest_reliability(publisher.qos_profile.reliability for publisher in publishers)
