"""The service `~/learn_background` (std_srvs/Trigger)."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.node import Node
from std_srvs.srv import Trigger

from c3n_ros.segmentation.background_learning import BackgroundLearning


def serve_background(node: Node, learning: Callable[[], BackgroundLearning | None]) -> None:
    """Create the service; `learning` returns that of the session, None while the node is not active."""

    def answer(_: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        current = learning()
        refusal = (False, "the node is not active: activate it first (ros2 lifecycle set)")
        response.success, response.message = current.ask() if current is not None else refusal
        return response

    node.create_service(Trigger, "~/learn_background", answer)
