"""What rclpy's lifecycle node lacks."""

from __future__ import annotations

from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode


def refuse_wrong_transitions(node: LifecycleNode) -> None:
    """Answer a request for a transition that the state does not allow with `success: false`.

    rclpy (Humble to Kilted) lets the error out of the service's callback, which ends the process: one wrong
    `ros2 lifecycle set` would take the node down.
    """
    service = node._service_change_state  # noqa: SLF001: rclpy has no other door
    change_state = service.callback

    def refuse(request, response):
        try:
            return change_state(request, response)
        except rclpy_implementation.RCLError:
            node.get_logger().error(f"this transition is not possible in the state of the node: {request.transition}")
            response.success = False
            return response

    service.callback = refuse
