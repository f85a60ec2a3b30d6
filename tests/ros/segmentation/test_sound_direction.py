"""The direction of the sound in the node: its array, another node's bearings, and what is said where neither can be used."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
from geometry_msgs.msg import PoseStamped
from robot import BEGIN_NS, SECOND_NS, start_robot, wait_until

from c3n_model.experiments.direction.bench import VIEW, seen_at
from c3n_model.types import AudioChunk, Frame, Window
from c3n_ros.health.direction_status import DirectionHealth, direction_status
from c3n_ros.health.status import Level
from c3n_ros.messages.conversions import time_message
from c3n_ros.segmentation.segmentation_parameters import SegmentationParameters
from c3n_ros.segmentation.sound_direction import DirectionInput, SoundDirection

RATE = 16_000
SEEN = seen_at(np.deg2rad([20, -20]), np.zeros(2), np.ones(2))[0]
FRAME = Frame(np.zeros((VIEW.height, VIEW.width, 3), np.uint8), 1)


def chosen(parameters, *chunks, pose=None, fov=VIEW.horizontal_fov_deg):
    """The result for a second, the status and the chunks after the intake."""
    source, health = DirectionInput(parameters), DirectionHealth()
    heard = [source.with_microphones(chunk) for chunk in chunks]
    if pose is not None:
        source.on_pose(pose)
    window = Window(0, FRAME, np.zeros(RATE, np.float32), 1.0, heard[0].microphones if heard else None)
    inputs = SimpleNamespace(direction=source, calibration=None)
    return SoundDirection(inputs, health).choose(SEEN, window, fov), health


def pair_chunk(late_samples):
    """A second in which the right microphone of two hears everything some samples later: from the left."""
    noise = np.random.default_rng(0).normal(0, 0.1, RATE + late_samples).astype(np.float32)
    return AudioChunk(np.stack([noise[late_samples:], noise[:RATE]], axis=1), RATE, 0)


def left_pose(stamp_ns, x=1.0, y=0.36):
    message = PoseStamped()
    message.header.stamp, message.header.frame_id = time_message(stamp_ns), "respeaker_base"
    message.pose.position.x, message.pose.position.y = x, y
    return message


def test_without_array_and_bearing_nothing_is_done_or_said():
    found, health = chosen(SegmentationParameters(), pair_chunk(1))
    assert found is SEEN and not health.is_used


def test_an_array_chooses():
    found, health = chosen(SegmentationParameters(microphone_array="stereo_pair"), pair_chunk(1))
    (person,) = found.objects
    assert found.sound.decision == "chosen" and person.centroid[0] < VIEW.width / 2
    status = direction_status(health)
    assert status.level == Level.OK and status.values["windows: chosen"] == "1" and "12 deg" in status.values["bearing"]


def test_another_nodes_bearing_chooses_before_the_array():
    pair = SegmentationParameters(microphone_array="stereo_pair")
    found, _ = chosen(pair, pair_chunk(1), pose=left_pose(900_000_000, y=-0.36))
    (person,) = found.objects
    assert person.centroid[0] > VIEW.width / 2 and found.sound.mirrored is None


def test_what_cannot_be_used_is_said_with_a_remedy():
    pair = SegmentationParameters(microphone_array="stereo_pair")
    found, health = chosen(pair, pair_chunk(1), fov=0.0)
    assert found.objects == SEEN.objects and found.sound.bearing is not None and found.sound.decision == ""
    assert direction_status(health).level == Level.WARN and "camera_fov" in health.unfit
    mono = replace(pair_chunk(1), samples=np.zeros((RATE, 1), np.float32))
    found, health = chosen(pair, mono)
    assert np.array_equal(found.mask, SEEN.mask) and re.search("channel 1 .* has 1 ", health.unfit)


def test_a_sound_from_behind_empties_the_mask_over_dds(spin):
    robot = start_robot(spin, camera_fov=60.0)
    publisher = robot.create_publisher(PoseStamped, "audio/direction", 10)
    assert wait_until(lambda: publisher.get_subscription_count() > 0)
    publisher.publish(left_pose(BEGIN_NS + SECOND_NS // 2, x=-1.0, y=0.1))
    assert wait_until(lambda: robot.node.inputs.direction.bearings.count == 1)
    robot.play(3)
    assert wait_until(lambda: len(robot.objects) >= 2)
    first = robot.objects[0]
    assert (first.reason, first.sound_bearing_decision, len(first.objects)) == ("not in view", "not in view", 0)
    assert first.sound_bearing > 3 and np.isnan(first.sound_bearing_mirrored)
