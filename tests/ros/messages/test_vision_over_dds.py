"""vision_msgs over real DDS: the stand-in package is a message type like any other, and who comes late learns the names."""

import time

import numpy as np
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile

from c3n_model.types import Presence, Segmentation, SoundingObject, UnifiedLabel
from c3n_ros.messages.class_ids import Vocabulary
from c3n_ros.messages.conversions import detections_message, label_info_message
from c3n_ros.messages.vision import Detection2DArray, LabelInfo

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
DOG = Segmentation(
    window_start_ns=0,
    stamp_ns=940_000_000,
    frame_id="camera_optical",
    mask=np.ones((4, 6), bool),
    confidence=np.full((4, 6), 255, np.uint8),
    label=UnifiedLabel("Bark", "dog", 0.9, 0.8, 0.7, 0.6),
    presence=Presence(True, 0.9, -20.0),
    objects=(SoundingObject("dog", 0.8, (0, 0, 6, 4), (2.5, 1.5), 24),),
)


def wait_until(condition, timeout_s=20.0):
    deadline = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def test_late_subscribers_receive_the_names(spin):
    node, listener = Node("segmentation"), Node("costmap")
    vocabulary = Vocabulary(map(str, range(1000)))
    publisher = node.create_publisher(LabelInfo, "label_info", LATCHED)
    publisher.publish(label_info_message(vocabulary, "class_id", 0.5))
    heard = []
    listener.create_subscription(LabelInfo, "label_info", heard.append, LATCHED)
    spin(node, listener)
    assert wait_until(lambda: len(heard) == 1)
    vocabulary.class_id("dog")
    publisher.publish(label_info_message(vocabulary, "class_id", 0.5))
    assert wait_until(lambda: len(heard) == 2)
    assert {entry.class_id: entry.class_name for entry in heard[1].class_map} == {0: "background", 1: "dog"}


def test_detections_arrive_as_they_were_sent(spin):
    node, listener = Node("segmentation"), Node("tracker")
    publisher = node.create_publisher(Detection2DArray, "detections", 5)
    heard = []
    listener.create_subscription(Detection2DArray, "detections", heard.append, 5)
    spin(node, listener)
    assert wait_until(publisher.get_subscription_count)
    sent = detections_message(DOG)
    publisher.publish(sent)
    assert wait_until(lambda: heard) and heard[0] == sent
