"""Says what sounds, and hears what the robot is told: for tests of the node that follows sounds."""

from __future__ import annotations

import time

from geometry_msgs.msg import Twist
from rclpy.node import Node
from rclpy.parameter import Parameter
from sounding import segmentation

from c3n_ros.follow_sound_node import FollowSoundNode
from c3n_ros.messages.conversions import objects_message, time_message
from c3n_ros.msg import SoundingObjects


class Watcher(Node):
    """Says what sounds, and hears what the robot is told."""

    def __init__(self, kind=Twist, topic="cmd_vel"):
        super().__init__("watcher")
        self.objects = self.create_publisher(SoundingObjects, "sounding_object/objects", 10)
        self.told = []
        self.create_subscription(kind, topic, self.told.append, 10)

    def wait_for_node(self, topic="cmd_vel"):
        assert wait_until(lambda: self.objects.get_subscription_count() and self.count_publishers(topic))
        time.sleep(0.3)  # the graph knows of a publisher a little before it is connected

    def see(self, bearing, position=None, age_s=0.0):
        message = objects_message(segmentation(bearing=bearing, position=position))
        message.header.stamp = time_message(time.time_ns() - round(age_s * 1e9))
        self.objects.publish(message)


def wait_until(condition, timeout_s=15.0):
    deadline = time.monotonic() + timeout_s
    while not (true := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(true)


def make_node(**parameters):
    return FollowSoundNode(parameter_overrides=[Parameter(name, value=value) for name, value in parameters.items()])


def moves(watcher):
    time.sleep(0.02)
    return bool(watcher.told) and watcher.told[-1].angular.z > 0.2
