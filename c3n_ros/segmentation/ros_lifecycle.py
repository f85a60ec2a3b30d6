"""Works around rclpy's lifecycle node, which ends the process at a transition that the state does not allow."""

from __future__ import annotations

from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode


def refuse_wrong_transitions(node: LifecycleNode) -> None:
    """Answer a request for a transition that the state does not allow with `success: false`.

    In rclpy (Humble to Kilted) the error leaves the service's callback and ends the process: one wrong
    `ros2 lifecycle set` would take the node down.
    """
    service = node._service_change_state  # noqa: SLF001 (rclpy has no public one)
    change_state = service.callback

    def refuse(request, response):
        try:
            return change_state(request, response)
        except rclpy_implementation.RCLError:
            node.get_logger().error(f"the state of the node does not allow this transition: {request.transition}")
            response.success = False
            return response

    service.callback = refuse
