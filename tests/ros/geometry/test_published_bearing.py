"""Bearings by hand, from poses as nodes publish them."""

import math
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from c3n_ros.geometry.published_bearing import PublishedBearings, bearing_of_pose

SECOND_NS = 1_000_000_000


def pose(position=(0.0, 0.0, 0.0), orientation=(0.0, 0.0, 0.0, 1.0), frame_id="respeaker_base"):
    point = SimpleNamespace(**dict(zip("xyz", position, strict=True)))
    turned = SimpleNamespace(**dict(zip("xyzw", orientation, strict=True)))
    return SimpleNamespace(
        header=SimpleNamespace(frame_id=frame_id), pose=SimpleNamespace(position=point, orientation=turned)
    )


@pytest.mark.parametrize(
    "message, degrees",
    [
        (pose(), 0),
        (pose(position=(1.0, 1.0, 0.3)), 45),
        (pose(position=(-1.0, 0.0, 0.0)), 180),
        (pose(orientation=(0.0, 0.0, math.sin(math.pi / 4), math.cos(math.pi / 4))), 90),
        (pose(position=(1.0, 0.0, 1.0), frame_id="camera_optical_frame"), -45),
        (pose(position=(0.0, 1.0, 0.0), orientation=(0.0, 0.0, 1.0, 0.0)), 90),  # the position goes before
    ],
)
def test_the_bearing_of_a_pose(message, degrees):
    assert math.degrees(bearing_of_pose(message)) == pytest.approx(degrees)


ANGLES = st.floats(-math.pi, math.pi)


@given(ANGLES, st.floats(-1.4, 1.4), ANGLES)
def test_an_orientation_points_where_scipy_turns_the_x_axis_to(yaw, pitch, roll):
    turned = Rotation.from_euler("ZYX", [yaw, pitch, roll])
    x, y, z = turned.apply([1, 0, 0])
    assert math.cos(bearing_of_pose(pose(orientation=turned.as_quat())) - math.atan2(y, x)) == pytest.approx(1)
    seen = bearing_of_pose(pose(orientation=turned.as_quat(), frame_id="camera_optical_frame"))
    if math.hypot(x, z) > 0.01:
        assert math.cos(seen - math.atan2(-x, z)) == pytest.approx(1)


def test_a_frame_turned_to_the_left_adds_its_angle():
    assert math.degrees(bearing_of_pose(pose(position=(0.0, 1.0, 0.0)), math.radians(120))) == pytest.approx(-150)


@pytest.mark.parametrize(
    "message",
    [pose(position=(0.0, 0.0, 1.0)), pose(position=(math.nan, 0.0, 0.0)), pose(orientation=(0.0, 0.0, 0.0, 0.0))],
)
def test_a_pose_without_a_level_direction_is_refused(message):
    with pytest.raises(ValueError, match="level direction.*correct what publishes it"):
        bearing_of_pose(message)


def test_a_second_has_the_newest_bearing_before_its_end():
    bearings = PublishedBearings()
    assert bearings.of_second(0).bearing is None
    for tenth in range(30):
        bearings.add(tenth * SECOND_NS // 10, tenth / 100)
    assert bearings.count == 30
    assert bearings.of_second(0).bearing == pytest.approx(0.09)
    assert bearings.of_second(2 * SECOND_NS).bearing == pytest.approx(0.29)
    assert bearings.of_second(3 * SECOND_NS).bearing == pytest.approx(0.29), "an older one counts for a second more"
    assert bearings.of_second(4 * SECOND_NS).bearing is None
