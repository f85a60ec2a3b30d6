"""Directions and positions of sounding objects as poses. All are in the header's frame, the optical frame of the camera that
took the segmented image, with that image's stamp, so that TF can transform them to any frame.

| message | position | orientation |
|---|---|---|
| `direction_message` | **always (0, 0, 0), the camera; only the orientation is meaningful** | +x points along the ray to the object |
| `position_message`, `position_with_covariance_message` | the object, metres; needs depth | the same |

RViz draws a pose's arrow along +x, and a robot's front is there. +z is as upright as the ray allows, so that the orientation
is that of a robot (REP-103: x forward, y left, z up) that stands at the camera and faces the object.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped, Quaternion

from c3n_model.types import Segmentation, SoundingObject
from c3n_ros.geometry.camera import ray_of
from c3n_ros.messages.conversions import time_message

# The object's own orientation is unknown; the pose's orientation is the direction in which it is seen.
_ANGLE_VARIANCE = math.pi**2


def facing(bearing: float, elevation: float) -> Quaternion:
    """Return the orientation, in the optical frame, whose +x points along the ray of these angles (radians)."""
    forward, left = ray_of(bearing, elevation), ray_of(bearing + math.pi / 2, 0.0)
    vector, _ = cv2.Rodrigues(np.stack([forward, left, np.cross(forward, left)], axis=1))
    angle = float(np.linalg.norm(vector))
    x, y, z = (vector[:, 0] / angle * math.sin(angle / 2)).tolist()  # never 0: no ray makes this the identity
    return Quaternion(x=x, y=y, z=z, w=math.cos(angle / 2))


def direction_message(segmentation: Segmentation, region: SoundingObject) -> PoseStamped:
    """Return the direction of an object of `segmentation`. Raises ValueError if it has none."""
    if region.bearing is None:
        raise ValueError(f"{region.label} has no direction: there was no camera_info")
    message = PoseStamped()
    _fill_header(message, segmentation)
    message.pose.orientation = facing(region.bearing, region.elevation)
    return message


def position_message(segmentation: Segmentation, region: SoundingObject) -> PoseStamped:
    """Return the position of an object of `segmentation`. Raises ValueError if it has none."""
    if region.position is None:
        raise ValueError(f"{region.label} has no position: there was no depth")
    message = direction_message(segmentation, region)
    point = message.pose.position
    point.x, point.y, point.z = region.position
    return message


def position_with_covariance_message(segmentation: Segmentation, region: SoundingObject) -> PoseWithCovarianceStamped:
    """Return the position with its covariance; the standard deviation of the angles is half a turn."""
    message = PoseWithCovarianceStamped()
    _fill_header(message, segmentation)
    message.pose.pose = position_message(segmentation, region).pose
    covariance = np.diag([0.0] * 3 + [_ANGLE_VARIANCE] * 3)
    covariance[:3, :3] = np.reshape(region.position_covariance, (3, 3))
    message.pose.covariance = covariance.reshape(-1)
    return message


def _fill_header(message: PoseStamped | PoseWithCovarianceStamped, segmentation: Segmentation) -> None:
    message.header.stamp = time_message(segmentation.stamp_ns)
    message.header.frame_id = segmentation.frame_id
