"""Bearings of sounds that another node publishes, such as a microphone array with its own processor. Needs no ROS: read by attribute."""

from __future__ import annotations

import math
from collections import deque
from typing import Any

from c3n_model.direction.sound_bearing import wrapped
from c3n_model.types import NANOSECONDS_PER_SECOND, SoundBearing

MAX_AGE_NS = 2 * NANOSECONDS_PER_SECOND  # before the end of a second; respeaker_ros publishes only what changed
MAX_HELD = 256


class PublishedBearings:
    """The newest bearings by stamp. One thread adds, another one reads."""

    def __init__(self) -> None:
        self._held: deque[tuple[int, float]] = deque(maxlen=MAX_HELD)
        self.count = 0

    def add(self, stamp_ns: int, bearing: float) -> None:
        """Add a bearing, radians."""
        self._held.append((stamp_ns, bearing))
        self.count += 1

    def of_second(self, start_ns: int) -> SoundBearing:
        """Return the newest bearing before the end of the second from `start_ns`, unknown if it is older than MAX_AGE_NS."""
        end_ns = start_ns + NANOSECONDS_PER_SECOND
        near = [entry for entry in tuple(self._held) if end_ns - MAX_AGE_NS <= entry[0] < end_ns]
        return SoundBearing(bearing=max(near)[1], confidence=1.0) if near else SoundBearing()


def bearing_of_pose(message: Any, yaw: float = 0.0) -> float:
    """Return the bearing of a geometry_msgs/PoseStamped, radians, relative to the camera's axis, positive to the left.

    The sound comes from the pose's position, or, if that is (0, 0, 0), from where the x axis of its orientation points. A frame
    whose name ends with optical_frame has x to the right and z forward, any other one x forward and y left (REP-103); it is turned
    by `yaw` radians to the left of the camera.

    Raises:
        ValueError: numbers that are not finite, no direction at all, or straight up or down.
    """
    position, turned = message.pose.position, message.pose.orientation
    direction = (position.x, position.y, position.z)
    if not any(direction):
        x, y, z, w = turned.x, turned.y, turned.z, turned.w
        direction = (w * w + x * x - y * y - z * z, 2 * (x * y + w * z), 2 * (x * z - w * y))
    if message.header.frame_id.endswith("optical_frame"):
        direction = (direction[2], -direction[0], -direction[1])
    if not all(map(math.isfinite, direction)) or math.hypot(direction[0], direction[1]) < 1e-9:
        raise ValueError(
            f"expected a level direction by position or orientation in a PoseStamped, got position ({position.x}, {position.y}, "
            f"{position.z}) and orientation ({turned.x}, {turned.y}, {turned.z}, {turned.w}); correct what publishes it"
        )
    return wrapped(math.atan2(direction[1], direction[0]) + yaw)
