"""Directions and positions of sounding objects as poses. All are in the header's frame, the optical frame of the camera that
took the segmented image, under that image's stamp, so that TF takes them wherever they are wanted.

| message | position | orientation |
|---|---|---|
| `direction_message` | **always 0: the camera. It is no place of the object's** | +x points along the ray to the object |
| `position_message`, `position_with_covariance_message` | the object, metres; needs depth | the same |

+x is where RViz draws a pose's arrow and where a robot's front is. +z is as upright as the ray allows, so that the orientation
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

# Nobody knows how the object itself is turned; the orientation is where it is seen.
_ANGLE_VARIANCE = math.pi**2


def facing(bearing: float, elevation: float) -> Quaternion:
    """The orientation, in the optical frame, of something whose +x points along the ray of these angles (radians)."""
    forward, left = ray_of(bearing, elevation), ray_of(bearing + math.pi / 2, 0.0)
    vector, _ = cv2.Rodrigues(np.stack([forward, left, np.cross(forward, left)], axis=1))
    angle = float(np.linalg.norm(vector))
    x, y, z = (
        vector[:, 0] / angle * math.sin(angle / 2)
    ).tolist()  # never 0: the optical frame's x is no ray's forward
    return Quaternion(x=x, y=y, z=z, w=math.cos(angle / 2))


def direction_message(segmentation: Segmentation, found: SoundingObject) -> PoseStamped:
    """Where to look for an object of `segmentation`. Raises ValueError if it has no direction."""
    if found.bearing is None:
        raise ValueError(f"{found.label} has no direction: there was no camera_info")
    message = PoseStamped()
    _fill_header(message, segmentation)
    message.pose.orientation = facing(found.bearing, found.elevation)
    return message


def position_message(segmentation: Segmentation, found: SoundingObject) -> PoseStamped:
    """Where an object of `segmentation` is. Raises ValueError if it has no position."""
    if found.position is None:
        raise ValueError(f"{found.label} has no position: there was no depth")
    message = direction_message(segmentation, found)
    place = message.pose.position
    place.x, place.y, place.z = found.position
    return message


def position_with_covariance_message(segmentation: Segmentation, found: SoundingObject) -> PoseWithCovarianceStamped:
    """As `position_message`, with the position's covariance; angles have a standard deviation of half a turn."""
    message = PoseWithCovarianceStamped()
    _fill_header(message, segmentation)
    message.pose.pose = position_message(segmentation, found).pose
    covariance = np.diag([0.0] * 3 + [_ANGLE_VARIANCE] * 3)
    covariance[:3, :3] = np.reshape(found.position_covariance, (3, 3))
    message.pose.covariance = covariance.reshape(-1)
    return message


def _fill_header(message: PoseStamped | PoseWithCovarianceStamped, segmentation: Segmentation) -> None:
    message.header.stamp = time_message(segmentation.stamp_ns)
    message.header.frame_id = segmentation.frame_id
