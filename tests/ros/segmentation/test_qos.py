"""Whoever publishes the sound is heard, as reliably as they offer it."""

import pytest
from audio_common_msgs.msg import AudioDataStamped
from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile, ReliabilityPolicy
from robot import BEGIN_NS, Robot, make_node, sound_message, wait_until

from c3n_ros.segmentation.ros_qos import strongest_reliability

RELIABLE, BEST_EFFORT = ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT


@pytest.mark.parametrize(
    "offered, requested",
    [
        ([], BEST_EFFORT),
        ([RELIABLE], RELIABLE),
        ([RELIABLE, RELIABLE], RELIABLE),
        ([RELIABLE, BEST_EFFORT], BEST_EFFORT),
    ],
)
def test_strongest_reliability(offered, requested):
    assert strongest_reliability(offered) == requested


def requested_by(robot):
    """The reliability that the node requests for sound just now."""
    found = robot.get_subscriptions_info_by_topic("/audio/audio_stamped")
    return [info.qos_profile.reliability for info in found]


def test_the_sound_is_resubscribed_if_its_publisher_returns_with_other_qos(spin):
    robot = Robot()
    spin(make_node(), robot)
    robot.wait_for_node()
    assert wait_until(lambda: requested_by(robot) == [RELIABLE])
    robot.destroy_publisher(robot.sound)
    robot.sound = robot.create_publisher(
        AudioDataStamped, "audio/audio_stamped", QoSProfile(depth=100, reliability=BEST_EFFORT)
    )
    assert wait_until(lambda: requested_by(robot) == [BEST_EFFORT])
    robot.wait_for_node()
    robot.play(3, pace_s=0.02)
    assert wait_until(lambda: robot.masks)


def test_an_override_wins_and_excluded_publishers_are_reported(spin, capfd):
    robot = Robot()
    robot.destroy_publisher(robot.sound)
    robot.sound = robot.create_publisher(
        AudioDataStamped, "audio/audio_stamped", QoSProfile(depth=100, reliability=BEST_EFFORT)
    )
    overrides = {
        "qos_overrides./audio/audio_stamped.subscription.reliability": "reliable",
        "qos_overrides./camera/image_raw.subscription.depth": 3,
    }
    node = make_node(**overrides)
    spin(node, robot)
    said = []
    assert wait_until(lambda: said.append(capfd.readouterr().err) or "RELIABILITY" in "".join(said))
    assert requested_by(robot) == [RELIABLE]
    depths = {subscription.topic_name: subscription.qos_profile.depth for subscription in node.subscriptions}
    assert depths["/camera/image_raw"] == 3


def test_an_invalid_override_is_refused(ros, capfd):
    node = make_node(start=False, **{"qos_overrides./audio/audio_stamped.subscription.reliability": "certain"})
    assert not node.start()
    assert "certain" in capfd.readouterr().err
    node.destroy_node()


def test_one_round_takes_all_waiting_sound(ros):
    """The executor comes round once for many pieces where the machine is busy."""
    robot = Robot()
    node = make_node()
    robot.wait_for_node()
    for number in range(60):
        robot.sound.publish(sound_message(BEGIN_NS + number * 10_000_000, 160, 1))
    assert robot.sound.wait_for_all_acked(Duration(seconds=5))
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    while not node.inputs.callback_ns:
        executor.spin_once(timeout_sec=0.1)
    assert len(node.inputs.callback_ns) == 60
    executor.shutdown()
    node.destroy_node()
    robot.destroy_node()
