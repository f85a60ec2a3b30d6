"""The node's publishers, there while it is configured. All are reliable, which both kinds of subscribers receive.

| topic | message |
|---|---|
| sounding_object/mask | sensor_msgs/Image mono8, size and header of the segmented image |
| sounding_object/objects | c3n_ros/SoundingObjects: labels, scores and regions, same header |
| sounding_object/overlay | sensor_msgs/Image rgb8, for people; drawn only while somebody subscribes |
"""

from __future__ import annotations

import numpy as np
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import Image

from c3n_model.overlay import draw_overlay
from c3n_model.types import Segmentation
from c3n_ros.conversions import mask_message, objects_message, overlay_message
from c3n_ros.msg import SoundingObjects

OUTPUT_DEPTH = 5


class Outputs:
    """Publishers from now to `close`. `publish` runs in the network's thread, all else in the executor's."""

    def __init__(self, node: LifecycleNode):
        self._node = node
        self._publishers = []
        self._mask = self._add(Image, "sounding_object/mask")
        self._objects = self._add(SoundingObjects, "sounding_object/objects")
        self._overlay = self._add(Image, "sounding_object/overlay")

    def publish(self, segmentation: Segmentation, rgb: np.ndarray, mask_mode: str, dropped_windows: int) -> None:
        """One window: `rgb` uint8 (H, W, 3) is the image that was segmented."""
        self._mask.publish(mask_message(segmentation, mask_mode))
        self._objects.publish(objects_message(segmentation, dropped_windows))
        if self._overlay.get_subscription_count() > 0:
            self._overlay.publish(overlay_message(draw_overlay(rgb, segmentation), segmentation))

    def close(self) -> None:
        """Nothing is published any more."""
        for publisher in self._publishers:
            self._node.destroy_lifecycle_publisher(publisher)
        self._publishers.clear()

    def _add(self, kind: type, topic: str):
        publisher = self._node.create_lifecycle_publisher(
            kind,
            topic,
            QoSProfile(depth=OUTPUT_DEPTH, reliability=ReliabilityPolicy.RELIABLE),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )
        self._publishers.append(publisher)
        return publisher
