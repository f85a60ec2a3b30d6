import math
from dataclasses import replace

import numpy as np
import pytest
from visualization_msgs.msg import Marker

from c3n_model.types import Presence, Segmentation, SoundingObject, UnifiedLabel
from c3n_ros.messages.markers import RAY_M, markers_message

LABEL = UnifiedLabel("Bark", "dog", 0.9, 0.8, 1.0, 0.7)
DOG = SoundingObject("dog", 0.9, (0, 0, 2, 2), (1.0, 1.0), 4, bearing=math.pi / 6, elevation=0.0, half_width=0.1, id=4)


def make(*objects):
    mask = np.ones((4, 6), bool)
    return Segmentation(
        0, 5_000_000_007, "camera_optical", mask, mask.astype(np.uint8), LABEL, Presence(True, 0.9, -20.0), objects
    )


def test_a_ray_to_what_has_a_bearing_only():
    clear, ray, text = markers_message(make(DOG)).markers
    assert clear.action == Marker.DELETEALL
    assert (ray.header.stamp.sec, ray.header.stamp.nanosec, ray.header.frame_id) == (5, 7, "camera_optical")
    assert (ray.ns, ray.id, ray.type) == ("rays", 4, Marker.ARROW)
    end = ray.points[1]  # 30 degrees to the left: x to the right, z forward
    assert (end.x, end.y, end.z) == pytest.approx((-RAY_M / 2, 0, RAY_M * math.cos(math.pi / 6)))
    assert text.text == "dog 0.90 #4" and ray.lifetime.sec == 2


def test_a_sphere_where_the_position_is_known():
    covariance = tuple(np.diag([0.01, 0.01, 0.01]).ravel())
    far = replace(DOG, position=(1.0, 2.0, 3.0), position_covariance=covariance)
    _, ray, sphere, _ = markers_message(make(far)).markers
    assert (sphere.ns, sphere.pose.position.x, sphere.pose.position.z) == ("positions", 1.0, 3.0)
    assert sphere.scale.x == pytest.approx(0.4)  # two standard deviations of 0.1 m to each side
    assert (ray.points[1].x, ray.points[1].y, ray.points[1].z) == (1.0, 2.0, 3.0)


def test_nothing_without_a_bearing():
    assert len(markers_message(make(replace(DOG, bearing=None, elevation=None))).markers) == 1


def test_markers_of_one_message_have_different_names():
    markers = markers_message(make(replace(DOG, id=0), replace(DOG, id=0))).markers[1:]
    assert len({(marker.ns, marker.id) for marker in markers}) == len(markers) == 4
