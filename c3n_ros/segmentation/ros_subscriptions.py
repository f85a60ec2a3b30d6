"""Create a subscription that reports publishers with incompatible QoS and lost messages."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.qos import QoSProfile, qos_policy_name_from_kind
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription

from c3n_ros.health.ros_guard import Guarded

try:
    from rclpy.event_handler import SubscriptionEventCallbacks, UnsupportedEventTypeError
except ImportError:  # Humble
    from rclpy.qos_event import SubscriptionEventCallbacks, UnsupportedEventTypeError


def subscribe(
    node: Guarded, kind: type, topic: str, callback: Callable, profile: QoSProfile,
    overriding: QoSOverridingOptions, group: CallbackGroup, on_lost: Callable[[Any], None], raw: bool,
) -> Subscription:  # fmt: skip
    """Return a subscription of `node`; `on_lost` gets DDS's events of lost messages, where the middleware has them."""

    def on_incompatible(event: Any) -> None:
        policy = qos_policy_name_from_kind(event.last_policy_kind)
        node.get_logger().warning(
            f"a publisher on {topic} offers an incompatible {policy}: nothing is received from it"
        )

    def create(**events: Callable) -> Subscription:
        return node.create_subscription(
            kind,
            topic,
            callback,
            copy(profile),  # rclpy writes overrides into it
            callback_group=group,
            event_callbacks=SubscriptionEventCallbacks(incompatible_qos=on_incompatible, **events),
            qos_overriding_options=overriding,
            raw=raw,
        )

    try:
        return create(message_lost=on_lost)
    except UnsupportedEventTypeError:  # not every middleware counts lost messages
        return create()
