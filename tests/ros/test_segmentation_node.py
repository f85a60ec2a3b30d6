"""The node over real DDS. The network is a stand-in that says "the left half sounds", so that only the road is tested."""

import sys
import time

import numpy as np
import pytest
from audio_common_msgs.msg import AudioInfo
from rclpy.parameter import Parameter
from robot import BEGIN_NS, SECOND_NS, LeftHalfSounds, Robot, image_message, make_node, wait_until
from sensor_msgs.msg import Image

from c3n_model.messages.images import frame_from_image
from c3n_model.messages.stamps import stamp_of
from c3n_model.streaming.session import Session
from c3n_model.types import Window
from c3n_ros.health import diagnostics, input_status
from c3n_ros.messages import vision
from c3n_ros.topics import DIAGNOSTICS, INPUTS, OUTPUTS

STRANGER = """
import rclpy
from rclpy.node import Node
from sensor_msgs.msg import Image
rclpy.init()
node = Node("stranger")
def on_mask(message):
    print(message.header.stamp.sec, message.header.stamp.nanosec, message.header.frame_id, message.encoding,
          message.width, message.height, max(message.data), flush=True)
node.create_subscription(Image, "/sounding_object/mask", on_mask, 10)
print("ready", flush=True)
rclpy.spin(node)
"""


def test_masks_and_objects_belong_to_camera_images(spin):
    robot = Robot()
    spin(make_node(), robot)
    robot.wait_for_node()
    robot.play(4, pace_s=0.02)
    assert wait_until(lambda: len(robot.masks) >= 3 and len(robot.objects) >= 3)
    taken = {BEGIN_NS + tenth * SECOND_NS // 10 + SECOND_NS // 25 for tenth in range(41)}
    for mask, objects in zip(robot.masks, robot.objects):
        assert stamp_of(mask.header) in taken and mask.header == objects.header
        assert (mask.header.frame_id, mask.encoding, mask.width, mask.height) == ("camera_optical", "mono8", 64, 48)
        pixels = np.frombuffer(mask.data, np.uint8).reshape(48, 64)
        assert (pixels[:, :32] == 255).all() and (pixels[:, 32:] == 0).all()
        assert objects.visual_label == "dog" and objects.objects[0].area == 32 * 48 and objects.dropped_windows == 0
    assert [objects.window_start.sec - BEGIN_NS // SECOND_NS for objects in robot.objects[:3]] == [0, 1, 2]


def test_endpoints_are_those_of_the_list(spin):
    node = make_node()
    spin(node)
    namespace = node.get_namespace()
    published = dict(node.get_publisher_names_and_types_by_node(node.get_name(), namespace))
    subscribed = dict(node.get_subscriber_names_and_types_by_node(node.get_name(), namespace))
    own = {f"/{name}": [kind] for name, kind in OUTPUTS.items() if vision.LabelInfo or "vision_msgs" not in kind}
    assert {topic: kinds for topic, kinds in published.items() if topic.startswith("/sounding_object")} == own
    assert DIAGNOSTICS in published
    raw = {f"/{name}": [kind] for name, kind in INPUTS.items() if not name.endswith("/compressed")}
    assert {topic: kinds for topic, kinds in subscribed.items() if topic.startswith(("/camera", "/audio"))} == raw


def test_a_stranger_in_another_process_receives_the_mask(spin, start_process):
    robot = Robot()
    spin(make_node(), robot)
    stranger = start_process("", command=[sys.executable, "-c", STRANGER])
    assert stranger.stdout.readline() == "ready\n"
    robot.wait_for_node()
    assert wait_until(lambda: robot.count_subscribers("/sounding_object/mask") == 2)
    time.sleep(0.5)  # the graph knows of a subscriber a little before the publisher is connected to it
    robot.play(1)  # one window: of more the newest would win
    seconds, nanoseconds, *rest = stranger.stdout.readline().split()
    assert int(seconds) * SECOND_NS + int(nanoseconds) == BEGIN_NS + 940_000_000
    assert rest == ["camera_optical", "mono8", "64", "48", "255"]


@pytest.mark.parametrize("rate, channels", [(48_000, 2), (44_100, 2), (8_000, 1)])
def test_other_rates_and_channels_simply_work(spin, rate, channels):
    session = LeftHalfSounds()
    robot = Robot(AudioInfo(channels=channels, sample_rate=rate, sample_format="S16LE", coding_format="WAVE"))
    spin(make_node(session), robot)
    robot.wait_for_node()
    robot.play(3)
    assert wait_until(lambda: robot.masks)
    middle = session.windows[-1].snippet[4_000:12_000]
    assert session.windows[-1].snippet.shape == (16_000,) and np.allclose(middle, 0.25, atol=0.01)
    assert session.windows[-1].heard == pytest.approx(1.0, abs=0.01)


def test_undescribed_sound_is_decoded_by_the_parameters(spin, capfd):
    robot = Robot(info=None)
    spin(make_node(audio_sample_rate=16_000), robot)
    robot.wait_for_node()
    robot.play(4)
    assert wait_until(lambda: robot.masks)
    assert capfd.readouterr().err.count("audio/audio_info") == 1


def test_mp3_is_refused_with_the_remedy_and_once(spin, capfd):
    robot = Robot(AudioInfo(channels=1, sample_rate=16_000, sample_format="S16LE", coding_format="mp3"))
    spin(make_node(), robot)
    robot.wait_for_node()
    robot.play(3)
    time.sleep(0.3)
    said = capfd.readouterr().err
    assert said.count("[ERROR]") == 1 and "format:=wave" in said and "Traceback" not in said and not robot.masks


def test_an_unknown_encoding_is_reported_once_and_later_images_are_used(spin, capfd):
    robot = Robot()
    spin(make_node(), robot)
    robot.wait_for_node()
    robot.play(3, encoding="rainbow7")
    time.sleep(0.3)
    said = capfd.readouterr().err
    assert said.count("rainbow7") == 1 and "Traceback" not in said and not robot.masks
    robot.play(6)
    assert wait_until(lambda: robot.masks), "the node carries on"


def test_newest_window_wins_and_drops_are_counted(spin):
    robot = Robot()
    spin(make_node(LeftHalfSounds(pause_s=0.6)), robot)
    robot.wait_for_node()
    robot.play(8)
    assert wait_until(lambda: robot.objects and robot.objects[-1].window_start.sec == BEGIN_NS // SECOND_NS + 7)
    assert len(robot.objects) + robot.objects[-1].dropped_windows == 8 and robot.objects[-1].dropped_windows > 3


def test_overlay_is_drawn_only_for_subscribers(spin):
    robot = Robot()
    node = make_node()
    spin(node, robot)
    robot.wait_for_node()
    robot.play(2)
    assert wait_until(lambda: robot.masks) and node.count_subscribers("sounding_object/overlay") == 0
    overlays = []
    robot.create_subscription(Image, "sounding_object/overlay", overlays.append, 10)
    assert wait_until(lambda: node.count_subscribers("sounding_object/overlay") == 1)
    time.sleep(0.3)
    robot.play(5)
    assert wait_until(lambda: overlays) and (overlays[0].encoding, overlays[0].width) == ("rgb8", 64)


def test_live_masks_are_those_of_the_offline_session(spin, tiny_model):
    """A real network with random weights: what went over DDS through the node is bit for bit what the library says."""
    windows = []

    class Listening(Session):
        def step(self, window):
            windows.append(window)
            return super().step(window)

    settings = {"presence_threshold": 0.0, "threshold": middle_confidence(tiny_model)}
    robot = Robot()
    spin(make_node(Listening(tiny_model, "cpu"), tiny_model, **settings), robot)
    robot.wait_for_node()
    robot.play(4, pace_s=0.1)
    assert wait_until(lambda: len(robot.masks) >= 3)
    offline = Session(tiny_model, "cpu", **settings)
    masks = {window.frame.stamp_ns: offline.step(window).mask for window in windows[1:]}  # the first was the warm-up
    assert any(0 < mask.mean() < 1 for mask in masks.values()), "masks that are worth comparing"
    for message in robot.masks:
        assert np.array_equal(
            np.frombuffer(message.data, np.uint8).reshape(48, 64) == 255, masks[stamp_of(message.header)]
        )


def middle_confidence(model):
    """A threshold that about half of the pixels pass, for a network that was never trained."""
    frame = frame_from_image(image_message(BEGIN_NS))
    window = Window(BEGIN_NS, frame, np.full(model.sample_rate, 0.25, np.float32))
    confidence = Session(model, "cpu", presence_threshold=0.0).step(window).confidence / 255
    return float((confidence.min() + confidence.max()) / 2)


def test_thresholds_and_mask_mode_change_live(spin):
    session, robot = LeftHalfSounds(), Robot()
    node = make_node(session)
    spin(node, robot)
    robot.wait_for_node()
    changes = [Parameter("threshold", value=0.75), Parameter("mask_mode", value="class_id")]
    assert node.set_parameters_atomically(changes).successful
    refused = node.set_parameters_atomically([Parameter("threshold", value=0.25), Parameter("mask_mode", value="x")])
    assert not refused.successful and "binary255|class_id" in refused.reason
    robot.play(2)
    assert wait_until(lambda: robot.masks) and max(robot.masks[0].data) == 1
    assert session.threshold == 0.75 and session.presence_threshold == 0.5


def test_a_node_without_sound_reports_what_is_missing(spin, monkeypatch, capfd):
    for module in (diagnostics, input_status):
        monkeypatch.setattr(module, "PATIENCE_S", 0.0)
    robot = Robot()
    spin(make_node(), robot)
    robot.wait_for_node()
    robot.images.publish(image_message(BEGIN_NS))
    said = []
    assert wait_until(lambda: said.append(capfd.readouterr().err) or "no window for" in "".join(said))
    assert "audio_stamped has a publisher, but no sound arrived" in "".join(said)


def test_executable_logs_in_one_line_why_it_cannot_start(start_process):
    process = start_process("segmentation_node", "--ros-args", "-p", "model:=/no/such/model.safetensors")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1 and "Traceback" not in output
    assert len(output.splitlines()) == 1 and "no model '/no/such/model.safetensors'" in output


def test_a_device_that_refuses_is_named(spin, capfd):
    class OutOfMemory(LeftHalfSounds):
        def step(self, window):
            raise RuntimeError("CUDA out of memory.\nTried to allocate 2 GiB")

    session = OutOfMemory()
    node = spin(make_node(session, start=False))
    assert not node.start() and session.device == "closed"
    said = capfd.readouterr().err
    assert said.count("[ERROR]") == 1
    assert "cannot activate" in said and "CUDA out of memory" in said and "device:=cpu" in said
