"""The camera node over real DDS, with a camera that pretends and with a video."""

import time

import pytest
from audio_common_msgs.msg import AudioDataStamped, AudioInfo
from fake_capture import FakeCapture
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile
from scene_video import write_scene_video
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from c3n_model.devices.camera import Camera
from c3n_model.devices.feeds import CameraFeed
from c3n_model.messages.images import frame_from_compressed, frame_from_image
from c3n_ros.camera_node import CameraNode


class Viewer(Node):
    def __init__(self):
        super().__init__("viewer")
        self.images, self.jpegs, self.infos, self.sounds, self.formats = [], [], [], [], []
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.create_subscription(Image, "camera/image_raw", self.images.append, 10)
        self.create_subscription(CompressedImage, "camera/image_raw/compressed", self.jpegs.append, 10)
        self.create_subscription(CameraInfo, "camera/camera_info", self.infos.append, 10)
        self.create_subscription(AudioDataStamped, "audio/audio_stamped", self.sounds.append, 100)
        self.create_subscription(AudioInfo, "audio/audio_info", self.formats.append, latched)


def wait_until(condition, timeout_s=30):
    deadline = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def make_node(feed=None, **parameters):
    return CameraNode(feed, parameter_overrides=[Parameter(name, value=value) for name, value in parameters.items()])


def test_a_camera_is_published_with_its_description(spin):
    feed = CameraFeed("0", lambda name: Camera(name, make_capture=lambda _: FakeCapture(pictures=100_000)))
    viewer = spin(Viewer())
    node = spin(make_node(feed, horizontal_fov_deg=90.0, frame_id="eye"))
    assert wait_until(lambda: viewer.images and viewer.jpegs and viewer.infos)
    image, info = viewer.images[0], viewer.infos[0]
    frame = frame_from_image(image)
    assert frame.rgb.shape == (48, 64, 3) and frame.rgb[0, 0, 2] > 0 and frame.frame_id == "eye"
    assert frame_from_compressed(viewer.jpegs[0]).rgb.shape == (48, 64, 3)
    assert abs(time.time() - image.header.stamp.sec) < 60
    assert (info.width, info.height, info.k[0]) == (64, 48, pytest.approx(32)) and info.header.frame_id == "eye"
    assert not viewer.sounds and node.count_publishers("audio/audio_stamped") == 0


def test_a_video_is_published_with_its_sound(spin, tmp_path):
    viewer = spin(Viewer())
    spin(make_node(video=str(write_scene_video(tmp_path / "clip.mp4", seconds=2))))
    assert wait_until(lambda: viewer.images and viewer.sounds and viewer.formats)
    assert not viewer.infos
    assert abs(viewer.images[-1].header.stamp.sec - viewer.sounds[-1].header.stamp.sec) <= 1
    assert viewer.formats[0].sample_format == "S16LE"


@pytest.mark.parametrize(
    "parameters, remedy",
    [
        ({"camera": "/dev/video77"}, "video77|no camera"),
        ({"video": "nothing.mp4"}, "no such file or folder: nothing.mp4"),
        ({"video": "", "calibration_file": "nothing.yaml"}, "cameracalibrator"),
    ],
)
def test_what_cannot_start_says_why(ros, parameters, remedy):
    with pytest.raises((ValueError, OSError), match=remedy):
        make_node(**parameters)
