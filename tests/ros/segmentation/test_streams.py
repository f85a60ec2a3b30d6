"""Cameras and microphones as they are: they stop, come back otherwise, jump in time, compress, and have depth."""

import time
from array import array

import cv2
import numpy as np
import pytest
from audio_common_msgs.msg import AudioData, AudioInfo
from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from robot import (
    BEGIN_NS,
    SECOND_NS,
    LeftHalfSounds,
    Robot,
    image_message,
    latched,
    make_node,
    sound_message,
    start_robot,
    wait_until,
)
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from c3n_model.messages.stamps import stamp_of
from c3n_ros.messages.conversions import time_message
from c3n_ros.messages.vision import LabelInfo

QUEUE = 10


def test_a_camera_returns_with_another_image_size(spin):
    robot = start_robot(spin)
    robot.play(2, pace_s=0.02)
    assert wait_until(lambda: robot.masks)
    robot.play(4, begin=10, pace_s=0.02, size=(24, 32))
    assert wait_until(lambda: (robot.masks[-1].height, robot.masks[-1].width) == (24, 32))


def test_a_microphone_returns_with_another_rate(spin):
    session = LeftHalfSounds()
    robot = start_robot(spin, session)
    robot.play(2, pace_s=0.02)
    assert wait_until(lambda: robot.masks)
    robot.info = AudioInfo(channels=2, sample_rate=44_100, sample_format="S16LE", coding_format="wave")
    robot.description.publish(robot.info)
    time.sleep(0.3)
    count = len(session.windows)
    robot.play(4, begin=5, pace_s=0.02)
    assert wait_until(lambda: len(session.windows) >= count + 3)
    last = session.windows[-1]
    assert last.start_ns - BEGIN_NS >= 7 * SECOND_NS and last.heard > 0.9
    assert np.allclose(last.snippet[4_000:12_000], 0.25, atol=0.01)


def test_a_clock_that_jumps_back(spin):
    robot = start_robot(spin)
    robot.play(3, begin=100, pace_s=0.02)
    assert wait_until(lambda: robot.objects and robot.objects[-1].window_start.sec - BEGIN_NS // SECOND_NS == 102)
    robot.play(3, begin=0, pace_s=0.02)
    assert wait_until(lambda: robot.objects[-1].window_start.sec - BEGIN_NS // SECOND_NS == 2)


def test_four_masks_a_second(spin):
    session = LeftHalfSounds()
    robot = start_robot(spin, session, hop_s=0.5)
    assert robot.node.set_parameters([Parameter("hop_s", value=0.25)])[0].successful
    refused = robot.node.set_parameters([Parameter("hop_s", value=0.3)])[0]
    assert not refused.successful and "0.125" in refused.reason
    robot.play(4, pace_s=0.04, images_per_second=20)
    assert wait_until(lambda: session.windows and session.windows[-1].start_ns - BEGIN_NS == 3 * SECOND_NS)
    starts = [window.start_ns - BEGIN_NS for window in session.windows]
    assert starts[-5:] == [2 * SECOND_NS + number * SECOND_NS // 4 for number in range(5)]
    frames = {window.frame.stamp_ns for window in session.windows}
    assert len(frames) == len(session.windows), "a picture each"


def test_mask_confidence_and_objects_have_the_header_of_the_image(spin):
    robot = start_robot(spin)
    confidences, detections = [], []
    robot.create_subscription(Image, "sounding_object/confidence", confidences.append, 10)
    if LabelInfo is not None:
        from vision_msgs.msg import Detection2DArray

        robot.create_subscription(Detection2DArray, "sounding_object/detections", detections.append, 10)
    else:
        detections = robot.objects
    assert wait_until(lambda: robot.node.count_subscribers("/sounding_object/confidence") == 1)
    time.sleep(0.5)  # the graph knows of a subscriber a little before the publisher is connected to it
    robot.play(3, pace_s=0.03)
    assert wait_until(lambda: min(map(len, (robot.masks, robot.objects, confidences, detections))) >= 2)
    for mask in robot.masks[-2:]:
        for others in (robot.objects, confidences, detections):
            assert mask.header in [other.header for other in others]
    assert (stamp_of(mask.header) - BEGIN_NS) % SECOND_NS == 940_000_000
    assert max(confidences[0].data) == 255 and confidences[0].encoding == "mono8"


def test_exact_time_synchronisation_finds_image_and_confidence_of_every_mask(spin):
    robot = start_robot(spin)
    arrived = {"image": {}, "mask": {}, "confidence": {}}
    topics = {"image": "camera/image_raw", "mask": "sounding_object/mask", "confidence": "sounding_object/confidence"}
    for name, topic in topics.items():
        quality = QoSProfile(depth=100, reliability=ReliabilityPolicy.BEST_EFFORT)
        robot.create_subscription(
            Image, topic, lambda message, kept=arrived[name]: kept.update({stamp_of(message.header): message}), quality
        )
    assert wait_until(lambda: robot.node.count_subscribers("/sounding_object/confidence") == 1)
    time.sleep(0.5)
    robot.play(5, pace_s=0.03)
    assert wait_until(lambda: min(len(arrived["mask"]), len(arrived["confidence"])) >= 5)
    for stamp, mask in arrived["mask"].items():
        image, confidence = arrived["image"][stamp], arrived["confidence"][stamp]
        assert mask.header == image.header == confidence.header
        assert (mask.height, mask.width) == (image.height, image.width) == (confidence.height, confidence.width)


@pytest.mark.skipif(LabelInfo is None, reason="vision_msgs is not installed")
def test_label_info_is_latched_and_republished_on_change(spin):
    robot = start_robot(spin, mask_mode="class_id")
    robot.play(2, pace_s=0.02)
    assert wait_until(lambda: robot.masks) and set(robot.masks[-1].data) == {0, 1}
    said = []
    robot.create_subscription(LabelInfo, "sounding_object/label_info", said.append, latched())
    assert wait_until(lambda: said)
    names = {entry.class_id: entry.class_name for entry in said[-1].class_map}
    assert names == {0: "background", 1: "dog", 2: "piano"} and said[-1].threshold == 0.5
    assert robot.node.set_parameters([Parameter("mask_mode", value="binary255")])[0].successful
    robot.play(3, begin=5, pace_s=0.02)
    assert wait_until(lambda: len(said) == 2) and [entry.class_id for entry in said[-1].class_map] == [0, 255]


def test_compressed_images(spin):
    robot = Robot()
    robot.images = robot.create_publisher(CompressedImage, "camera/image_raw/compressed", QUEUE)
    robot.node = make_node(image_transport="compressed")
    spin(robot.node, robot)
    robot.wait_for_node()

    def compressed(stamp_ns, *rest):
        _, data = cv2.imencode(".jpg", np.full((48, 64, 3), 90, np.uint8))
        message = CompressedImage(format="bgr8; jpeg compressed bgr8", data=array("B", data.tobytes()))
        message.header.stamp = time_message(stamp_ns)
        return message

    robot.play(3, pace_s=0.02, make_image=compressed)
    assert wait_until(lambda: robot.masks) and (robot.masks[0].height, robot.masks[0].width) == (48, 64)


def test_directions_with_a_camera_info_and_positions_with_depth(spin):
    robot = start_robot(spin)
    directions, targets = [], []
    robot.create_subscription(PoseStamped, "sounding_object/direction", directions.append, 10)
    robot.create_subscription(PoseWithCovarianceStamped, "sounding_object/target", targets.append, 10)
    lens = robot.create_publisher(CameraInfo, "camera/camera_info", QUEUE)
    depth = robot.create_publisher(Image, "camera/depth", QUEUE)
    info = CameraInfo(width=64, height=48, distortion_model="plumb_bob", k=[60.0, 0, 31.5, 0, 60.0, 23.5, 0, 0, 1.0])
    assert wait_until(lambda: lens.get_subscription_count() and depth.get_subscription_count())
    assert wait_until(lambda: robot.node.count_subscribers("/sounding_object/target") == 1)
    time.sleep(0.3)

    def image_and_depth(stamp_ns, *rest):
        lens.publish(info)
        metres = Image(height=48, width=64, encoding="32FC1", step=256)
        metres.header.stamp = time_message(stamp_ns + 3_000_000)
        metres.data = array("B", np.full((48, 64), 2.5, np.float32).tobytes())
        depth.publish(metres)
        return image_message(stamp_ns, *rest)

    robot.play(4, pace_s=0.03, make_image=image_and_depth)
    assert wait_until(lambda: directions and targets)
    found = robot.objects[-1].objects[0]
    assert found.bearing == pytest.approx(np.arctan(16 / 60), abs=0.03) and found.position.z == pytest.approx(2.5)
    assert directions[-1].header in [mask.header for mask in robot.masks]
    place = targets[-1].pose.pose.position
    assert place.z == pytest.approx(2.5) and place.x < -0.5 and targets[-1].pose.covariance[14] > 0


def test_sound_without_stamps_at_all(spin, capfd):
    """As it comes from REP-155's voices: stamped on arrival, so the images are stamped by the same clock."""
    robot = Robot()
    robot.destroy_publisher(robot.sound)
    robot.sound = robot.create_publisher(AudioData, "audio/audio_stamped", 100)
    robot.node = make_node(audio_msg_type="AudioData")
    spin(robot.node, robot)
    robot.wait_for_node()
    begin_s = time.monotonic()
    while not robot.masks and time.monotonic() < begin_s + 20:
        now_ns = time.time_ns()
        robot.sound.publish(sound_message(now_ns, 1_600, 1).audio)
        robot.images.publish(image_message(now_ns))
        time.sleep(max(0.0, 0.1 - (time.time_ns() - now_ns) / SECOND_NS))
    assert robot.masks and capfd.readouterr().err.count("the sound has no stamps") == 1
