"""camera_info, depth, points and dark pictures over DDS: what cannot be used costs nothing else, and is reported under its own name."""

import time
from array import array

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from robot import LeftHalfSounds, image_message, start_robot, wait_until
from sensor_msgs.msg import CameraInfo, Image, PointCloud2, PointField

from c3n_ros.messages.conversions import time_message

K = [60.0, 0, 31.5, 0, 60.0, 23.5, 0, 0, 1.0]
BEARING = np.arctan(16 / 60)  # of the left half of 64 pixels
DEPTH_M, CLOUD_M = 2.5, 4.0


def depth_image(height=48, width=64, encoding="32FC1"):
    message = Image(height=height, width=width, encoding=encoding, step=4 * width)
    message.data = array("B", np.full((height, width), DEPTH_M, np.float32).tobytes())
    return message


def cloud(row_step, height=48, width=64):
    """An organised cloud that covers the image at CLOUD_M."""
    y, x = np.mgrid[:height, :width]
    points = np.stack([(x - 31.5) / 60 * CLOUD_M, (y - 23.5) / 60 * CLOUD_M, np.full(x.shape, CLOUD_M)], axis=-1)
    message = PointCloud2(height=height, width=width, point_step=12, row_step=row_step)
    message.fields = [PointField(name=name, offset=4 * index, datatype=7, count=1) for index, name in enumerate("xyz")]
    message.data = array("B", points.astype("<f4").tobytes())
    return message


@pytest.fixture
def play(spin):
    """`play(depth=..., points=..., **camera_info)` plays four seconds with these inputs and returns the robot."""

    def start(depth=None, points=None, skew_ns=3_000_000, make_image=image_message, **info):
        session = LeftHalfSounds()
        robot = start_robot(spin, session)
        robot.session = session
        robot.statuses = {}
        robot.create_subscription(
            DiagnosticArray,
            "/diagnostics",
            lambda message: robot.statuses.update(
                {status.name.rpartition(": ")[2]: status for status in message.status}
            ),
            10,
        )
        companions = [
            (robot.create_publisher(type(message), topic, 10), message)
            for topic, message in (("camera/depth", depth), ("camera/points", points))
            if message is not None
        ]
        calibration = robot.create_publisher(CameraInfo, "camera/camera_info", 10)
        description = CameraInfo(**{"width": 64, "height": 48, "distortion_model": "plumb_bob", "k": K, **info})
        publishers = [calibration, *(publisher for publisher, _ in companions)]
        assert wait_until(lambda: all(publisher.get_subscription_count() for publisher in publishers))
        time.sleep(0.3)

        def with_companions(stamp_ns, *rest):
            calibration.publish(description)
            for publisher, message in companions:
                message.header.stamp = time_message(stamp_ns + skew_ns)
                publisher.publish(message)
            return make_image(stamp_ns, *rest)

        robot.play(4, pace_s=0.03, make_image=with_companions)
        assert wait_until(lambda: robot.objects)
        robot.first = robot.objects[-1].objects[0]
        return robot

    return start


def warns(robot, name, *expected):
    """Whether status `name` warns with all of the expected texts within three seconds."""

    def shown():
        status = robot.statuses.get(name, DiagnosticStatus())
        return status.level == DiagnosticStatus.WARN and all(text in status.message for text in expected)

    return wait_until(shown, 3)


@pytest.mark.parametrize(
    "depth, causes",
    [
        (depth_image(24, 32), ("64 x 48", "32 x 24", "depth_topic")),
        (depth_image(encoding="rgb8"), ("32FC1", "'rgb8'", "depth_topic")),
        (depth_image(encoding="64FC1"), ("32FC1", "'64FC1'", "depth_topic")),
    ],
    ids=["size", "colour", "unknown encoding"],
)
def test_bearings_continue_with_unusable_depth_which_is_reported(play, depth, causes):
    robot = play(depth=depth)
    assert robot.first.bearing == pytest.approx(BEARING, abs=0.03) and np.isnan(robot.first.position.z)
    assert warns(robot, "depth", *causes), robot.statuses


@pytest.mark.parametrize("row_step", [0, 12 * 64, 12 * 64 * 48], ids=["zero", "one row", "whole size"])
def test_points_are_used_where_depth_is_invalid_with_any_row_step(play, row_step):
    robot = play(depth=depth_image(24, 32), points=cloud(row_step))
    assert robot.first.position.z == pytest.approx(CLOUD_M) and robot.first.bearing == pytest.approx(BEARING, abs=0.03)
    assert warns(robot, "depth", "32 x 24") and robot.statuses["points"].level == DiagnosticStatus.OK


def test_depth_is_used_where_points_cannot_be(play):
    points = cloud(12 * 64)
    points.data = points.data[:-1]
    robot = play(depth=depth_image(), points=points)
    assert robot.first.position.z == pytest.approx(DEPTH_M)
    assert warns(robot, "points", "row_step 768", "36863 bytes"), robot.statuses


def test_depth_that_does_not_match_the_images_is_reported(play):
    robot = play(depth=depth_image(), skew_ns=50_000_000_000)
    assert robot.first.bearing == pytest.approx(BEARING, abs=0.03)
    assert warns(robot, "depth", "100 ms", "stamp"), robot.statuses


@pytest.mark.parametrize("info", [{"distortion_model": "none", "d": [0.0] * 5}, {"distortion_model": "brown"}])
def test_an_unknown_lens_without_distortion_gives_bearings(play, info):
    robot = play(**info)
    assert robot.first.bearing == pytest.approx(BEARING, abs=0.03)
    assert wait_until(lambda: robot.statuses.get("camera_info") and robot.statuses["camera_info"].level == b"\0", 3)


@pytest.mark.parametrize(
    "info, causes",
    [
        ({"k": [0.0] * 9}, ("k is 0", "camera_info_url")),
        ({"distortion_model": "brown", "d": [0.1] * 5}, ("'brown'", "plumb_bob")),
        ({"height": 64}, ("64 x 64", "64 x 48", "cropped")),
    ],
    ids=["k = 0", "unknown distortion", "another shape"],
)
def test_masks_continue_with_an_unusable_camera_info_which_is_reported(play, info, causes):
    robot = play(**info)
    assert np.isnan(robot.first.bearing) and robot.masks
    assert warns(robot, "camera_info", *causes), robot.statuses


def mono16(bits, stamp_ns):
    """A gradient over all values of a camera with this many bits."""
    message = Image(height=48, width=64, encoding="mono16", step=128)
    message.header.stamp = time_message(stamp_ns)
    values = np.linspace(0, 2**bits - 1, 48 * 64).reshape(48, 64)
    message.data = array("B", values.astype("<u2").tobytes())
    return message


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_cameras_with_10_to_14_of_16_bits_are_readable(play, bits):
    robot = play(make_image=lambda stamp_ns, *rest: mono16(bits, stamp_ns))
    rgb = robot.session.windows[-1].frame.rgb
    assert rgb.min() == 0 and rgb.max() == 255 and 120 < rgb.mean() < 135
    assert robot.statuses["camera"].level == DiagnosticStatus.OK


@pytest.mark.parametrize("brightest", [0, 9], ids=["black", "covered lens"])
def test_a_picture_nearly_black_is_reported(play, brightest):
    def dark(stamp_ns, *rest):
        message = image_message(stamp_ns)
        noise = np.random.default_rng(stamp_ns % 1000).integers(0, brightest + 1, 48 * 64 * 3, np.uint8)
        message.data = array("B", noise.tobytes())
        return message

    robot = play(make_image=dark)
    assert warns(robot, "camera", "nearly black", "lens", "exposure"), robot.statuses
