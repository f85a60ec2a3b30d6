"""Directions and positions as poses."""

import math

import numpy as np
import pytest
from sounding import STAMP_NS, segmentation

from c3n_model.messages.stamps import stamp_of
from c3n_ros.geometry.camera import ray_of
from c3n_ros.messages.poses import direction_message, facing, position_message, position_with_covariance_message


def turned(quaternion, vector):
    """A vector turned by a quaternion: v + 2 w (u x v) + 2 u x (u x v)."""
    u = np.array([quaternion.x, quaternion.y, quaternion.z])
    cross = np.cross(u, vector)
    return vector + 2 * quaternion.w * cross + 2 * np.cross(u, cross)


def test_straight_ahead_is_the_turn_from_optical_to_body_axes():
    """x forward is the optical z, y left its -x, z up its -y: the quaternion (0.5, -0.5, 0.5, 0.5), up to the sign."""
    orientation = facing(0.0, 0.0)
    values = np.array([orientation.x, orientation.y, orientation.z, orientation.w])
    assert np.allclose(values * np.sign(values[0]), [0.5, -0.5, 0.5, 0.5])


@pytest.mark.parametrize("bearing, elevation", [(0.7, 0.0), (-1.2, 0.4), (3.0, -0.8), (math.pi / 2, 0.0), (0.1, 1.5)])
def test_x_points_along_the_ray_and_y_stays_level(bearing, elevation):
    orientation = facing(bearing, elevation)
    assert np.allclose(turned(orientation, np.array([1.0, 0, 0])), ray_of(bearing, elevation))
    left, up = turned(orientation, np.array([0, 1.0, 0])), turned(orientation, np.array([0, 0, 1.0]))
    assert left[1] == pytest.approx(0, abs=1e-9) and up[1] < 0, "level, and not upside down (optical y is down)"


def test_a_direction_has_no_position():
    seen = segmentation(bearing=0.5)
    message = direction_message(seen, seen.objects[0])
    place = message.pose.position
    assert (place.x, place.y, place.z) == (0, 0, 0) and message.header.frame_id == "camera_optical"
    assert stamp_of(message.header) == STAMP_NS
    assert np.allclose(turned(message.pose.orientation, np.array([1.0, 0, 0])), ray_of(0.5, 0.1))


def test_a_position_is_in_the_optical_frame_with_its_covariance():
    seen = segmentation(bearing=0.5, position=(-1.0, 0.2, 3.0))
    message = position_with_covariance_message(seen, seen.objects[0])
    place = message.pose.pose.position
    assert (place.x, place.y, place.z) == (-1.0, 0.2, 3.0)
    assert position_message(seen, seen.objects[0]).pose == message.pose.pose
    covariance = message.pose.covariance.reshape(6, 6)
    assert np.array_equal(covariance[:3, :3], np.arange(9.0).reshape(3, 3))
    assert np.allclose(np.diag(covariance)[3:], math.pi**2) and covariance[:3, 3:].max() == 0


def test_unknown_positions_give_no_pose():
    seen = segmentation(bearing=None)
    with pytest.raises(ValueError, match="clock.*camera_info"):
        direction_message(seen, seen.objects[0])
    seen = segmentation(bearing=0.5)
    with pytest.raises(ValueError, match="clock.*depth"):
        position_message(seen, seen.objects[0])
