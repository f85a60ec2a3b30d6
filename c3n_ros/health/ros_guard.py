"""Nodes whose callbacks run in a `Guard`, so that no message can end them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.serialization import deserialize_message
from rclpy.service import Service
from rclpy.subscription import Subscription
from rclpy.timer import Timer

from c3n_ros.health.guard import Guard


class Guarded:
    """Mixin before rclpy's Node or LifecycleNode: `class MyNode(Guarded, Node)`. Create subscriptions, services and timers as
    usual; an exception in a callback costs that message, request or tick only and is counted in `guard`."""

    def __init__(self, *args: Any, **options: Any):
        """Take the node's arguments."""
        # rclpy's Node creates services in its constructor, before it has a logger.
        self.guard = Guard(lambda text: self.get_logger().error(text), self.on_callback_failure)
        super().__init__(*args, **options)

    def on_callback_failure(self, source: str) -> None:
        """Handle the failure of a callback; a node that moves something overrides this to stop it."""

    def create_subscription(
        self, msg_type: type, topic: str, callback: Callable, qos_profile: Any, *, raw: bool = False, **options: Any
    ) -> Subscription:
        """Create a subscription that also counts bytes that cannot be deserialized: rclpy drops them silently.

        With `raw`, `callback` gets the bytes and rclpy's information on the message.
        """
        receive = callback if raw else lambda data, _: callback(deserialize(data, msg_type))
        source = self.resolve_topic_name(topic)

        # Two parameters by name, unlike `Guard.wrap`'s: rclpy counts them, and gives its information to such callbacks only.
        def guarded(data: bytes, info: Any) -> None:
            self.guard.run(source, receive, data, info)

        return super().create_subscription(msg_type, topic, guarded, qos_profile, raw=True, **options)

    def create_service(self, srv_type: type, srv_name: str, callback: Callable, **options: Any) -> Service:
        """Create a service; a request whose callback raises is answered with `success` false and the cause."""
        source = f"service {srv_name}"

        def answer(request: Any, response: Any) -> Any:
            answered = self.guard.run(source, callback, request, response)
            if answered is None:
                answered = response
                if hasattr(response, "message"):
                    response.success, response.message = False, self.guard.failures[source].cause
            return answered

        return super().create_service(srv_type, srv_name, answer, **options)

    def create_timer(self, timer_period_sec: float, callback: Callable, *args: Any, **options: Any) -> Timer:
        """Create a timer; a tick that raises is skipped."""
        guarded = self.guard.wrap(f"timer {callback.__name__.strip('_')}", callback)
        return super().create_timer(timer_period_sec, guarded, *args, **options)


def deserialize(data: bytes, msg_type: type) -> Any:
    """Return the message of class `msg_type` in serialized bytes. Raises ValueError for bytes that are not one."""
    try:
        return deserialize_message(data, msg_type)
    except RuntimeError as error:  # rclpy's RMWError
        raise ValueError(
            f"expected a serialized {msg_type.__name__}, got {len(data)} bytes that are not one: the publisher is faulty or "
            "uses another definition of the message; `ros2 topic info --verbose` on the topic names it"
        ) from error
