"""Microphones with several channels, and with late stamps, over DDS."""

import time
from array import array

import numpy as np
import pytest
from audio_common_msgs.msg import AudioInfo
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from robot import BEGIN_NS, SECOND_NS, LeftHalfSounds, Robot, image_message, make_node, sound_message, wait_until

RATE, COUNT = 16_000, 800  # 50 ms chunks


@pytest.fixture
def start(spin):
    """`start(channels, **parameters)` makes a robot with such a microphone; `robot.statuses` are the newest by name."""

    def make(channels=1, **parameters):
        info = AudioInfo(channels=channels, sample_rate=RATE, sample_format="S16LE", coding_format="wave")
        robot, robot.session, robot.statuses = Robot(info), LeftHalfSounds(), {}
        robot.create_subscription(
            DiagnosticArray,
            "/diagnostics",
            lambda message: robot.statuses.update({s.name.rpartition(": ")[2]: s for s in message.status}),
            10,
        )
        robot.node = make_node(robot.session, **parameters)
        spin(robot.node, robot)
        robot.wait_for_node()
        return robot

    return make


def play(robot, samples, seconds=4, late_ms=lambda number: 0):
    """Publish `samples` (COUNT, channels), int16, in every chunk of 50 ms, and 20 images a second."""
    for number in range(20 * seconds + 1):
        stamp_ns = BEGIN_NS + number * SECOND_NS // 20
        message = sound_message(stamp_ns + round(late_ms(number) * 1_000_000), COUNT, samples.shape[1])
        message.audio.data = array("B", samples.astype("<i2").tobytes())
        robot.sound.publish(message)
        robot.images.publish(image_message(stamp_ns + SECOND_NS // 25))
        time.sleep(0.015)


def microphone(robot, level, text):
    """Whether the microphone's status has this level and contains this text within three seconds."""
    return wait_until(
        lambda: (
            (status := robot.statuses.get("microphone", DiagnosticStatus())).level == level and text in status.message
        ),
        3,
    )


def test_the_chosen_channels_exclude_the_robots_playback(start):
    robot = start(6, audio_use_channels="0-4")
    samples = np.full((COUNT, 6), 8_192)
    samples[:, 5] = -32_000  # the loopback channel
    play(robot, samples)
    assert wait_until(lambda: len(robot.session.windows) >= 2)
    np.testing.assert_allclose(robot.session.windows[-1].snippet, 0.25, atol=1e-3)


def test_channels_that_cancel_each_other_out_are_reported_with_the_parameter(start):
    robot = start(2)
    wave = np.random.default_rng(0).normal(0, 3_000, (COUNT, 1))
    play(robot, np.hstack([wave, -wave]))
    assert microphone(robot, DiagnosticStatus.WARN, "audio_use_channels"), robot.statuses


def test_a_missing_channel_is_reported(start):
    robot = start(2, audio_use_channels="5")
    play(robot, np.full((COUNT, 2), 8_192))
    assert microphone(robot, DiagnosticStatus.ERROR, "channel 5"), robot.statuses


def test_stamps_15_to_40_ms_late_lose_no_sound_and_report_no_loss(start):
    robot, rng = start(1), np.random.default_rng(3)
    play(robot, np.full((COUNT, 1), 8_192), late_ms=lambda number: rng.uniform(15, 40))
    assert wait_until(lambda: len(robot.session.windows) >= 3)
    for window in robot.session.windows[1:3]:  # the first began before the first stamp
        assert window.heard == 1.0
        np.testing.assert_allclose(window.snippet, 0.25, atol=1e-3)
    assert microphone(robot, DiagnosticStatus.OK, "messages per second"), robot.statuses
