"""A camera, a microphone and ears for tests of the node, and a network whose answer everybody knows."""

from __future__ import annotations

import time
from array import array
from types import SimpleNamespace

import numpy as np
from audio_common_msgs.msg import AudioData, AudioDataStamped, AudioInfo
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from c3n_model.types import Presence, Segmentation, SoundingObject, UnifiedLabel
from c3n_ros.messages.conversions import time_message
from c3n_ros.msg import SoundingObjects
from c3n_ros.segmentation_node import SegmentationNode

BEGIN_NS = 1_700_000_000_000_000_000
SECOND_NS = 1_000_000_000
PCM = AudioInfo(channels=1, sample_rate=16_000, sample_format="S16LE", coding_format="wave")
MODEL = SimpleNamespace(
    sample_rate=16_000,
    config=SimpleNamespace(presence_threshold=0.5, visibility_threshold=0.0, history=5),
    card={},
    audio_labels=("Bark", "Speech"),
    tagger="mn04",
    visual_labels=("dog", "piano"),
    fingerprint="0123456789ab",
)


class LeftHalfSounds:
    """Stands in for c3n_model's Session; `pause_s` makes it slow."""

    def __init__(self, pause_s=0.0):
        self.windows, self.pause_s, self.device, self.model = [], pause_s, "nowhere", MODEL
        self.threshold = self.presence_threshold = self.visibility_threshold = self.history = (
            self.device_memory_bytes
        ) = None

    def reset(self):
        self.windows.clear()

    def close(self):
        self.device = "closed"

    def step(self, window):
        time.sleep(self.pause_s)
        self.windows.append(window)
        height, width = window.frame.rgb.shape[:2]
        mask = np.zeros((height, width), bool)
        mask[:, : width // 2] = True
        region = SoundingObject("dog", 0.9, (0, 0, width // 2, height), (width / 4, height / 2), int(mask.sum()))
        return Segmentation(
            window.start_ns,
            window.frame.stamp_ns,
            window.frame.frame_id,
            mask,
            mask.astype(np.uint8) * 255,
            UnifiedLabel("Bark", "dog", 0.9, 0.9, 0.8, 0.7),
            Presence(True, 0.9, -20.0),
            (region,),
            window.heard,
        )


class Robot(Node):
    """A camera and a microphone, and ears for what the node says."""

    def __init__(self, info=PCM):
        super().__init__("robot")
        best_effort = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
        self.info = info
        self.images = self.create_publisher(Image, "camera/image_raw", best_effort)
        self.sound = self.create_publisher(AudioDataStamped, "audio/audio_stamped", 100)
        self.description = None
        if info is not None:
            self.description = self.create_publisher(AudioInfo, "audio/audio_info", latched())
            self.description.publish(info)
        self.masks, self.objects = [], []
        self.create_subscription(Image, "sounding_object/mask", self.masks.append, 10)
        self.create_subscription(SoundingObjects, "sounding_object/objects", self.objects.append, 10)

    def wait_for_node(self):
        assert wait_until(
            lambda: (
                self.images.get_subscription_count()
                and self.sound.get_subscription_count()
                and self.count_publishers("sounding_object/mask")
                and (self.description is None or self.description.get_subscription_count())
            )
        )
        if self.description is not None:  # the node has it before any sound, as it would have with a real microphone
            assert self.description.wait_for_all_acked(Duration(seconds=5))

    def play(
        self, seconds, encoding="rgb8", pace_s=0.004, begin=0, size=(48, 64), make_image=None, images_per_second=10
    ):
        """Seconds of stamps from `begin` on, played faster than they were taken: ten chunks of sound in each."""
        rate, channels = (self.info.sample_rate, self.info.channels) if self.info else (16_000, 1)
        make_image = make_image or (lambda stamp_ns: image_message(stamp_ns, encoding, *size))
        for tenth in range(seconds * 10 + 1):
            stamp_ns = BEGIN_NS + begin * SECOND_NS + tenth * SECOND_NS // 10
            self.sound.publish(sound_message(stamp_ns, rate // 10, channels))
            for number in range(images_per_second // 10):
                self.images.publish(make_image(stamp_ns + SECOND_NS // 25 + number * SECOND_NS // images_per_second))
            time.sleep(pace_s)


def start_robot(spin, session=None, **parameters):
    """A robot and its active node, `robot.node`, which know of each other."""
    robot = Robot()
    robot.node = make_node(session, **parameters)
    spin(robot.node, robot)
    robot.wait_for_node()
    return robot


def latched():
    """The quality of service of what is said once."""
    return QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def wait_until(condition, timeout_s=20.0):
    """Whether `condition()` became true in time."""
    deadline = time.monotonic() + timeout_s
    while not (true := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(true)


def image_message(stamp_ns, encoding="rgb8", height=48, width=64):
    message = Image(height=height, width=width, encoding=encoding, step=width * 3)
    message.header.stamp = time_message(stamp_ns)
    message.header.frame_id = "camera_optical"
    message.data = array(
        "B", np.random.default_rng(stamp_ns % 2**32).integers(0, 256, height * width * 3, np.uint8).tobytes()
    )
    return message


def sound_message(stamp_ns, count, channels):
    message = AudioDataStamped(audio=AudioData(data=array("B", np.full(count * channels, 8_192, "<i2").tobytes())))
    message.header.stamp = time_message(stamp_ns)
    return message


def make_node(session=None, model=MODEL, start=True, load_model=None, make_session=None, **parameters):
    """A node, active unless `start` is false; each activation gets `session`, if not what `make_session` makes."""
    overrides = [Parameter(name, value=value) for name, value in parameters.items()]
    session = session or LeftHalfSounds()
    node = SegmentationNode(
        load_model=load_model or (lambda name: model),
        make_session=make_session or (lambda model, device, **execution: session),
        parameter_overrides=overrides,
    )
    assert not start or node.start()
    return node
