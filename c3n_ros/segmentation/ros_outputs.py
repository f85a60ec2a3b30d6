"""The node's publishers while it is configured, those of `c3n_ros.topics.OUTPUTS`. Expensive messages are created only while
they have subscribers."""

from __future__ import annotations

from typing import Any

import numpy as np
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.lifecycle import LifecycleNode
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions

from c3n_model.pictures.overlay import draw_overlay
from c3n_model.types import Segmentation
from c3n_ros.messages import vision
from c3n_ros.messages.class_ids import Vocabulary
from c3n_ros.messages.conversions import (
    compressed_overlay_message,
    confidence_message,
    detections_message,
    label_info_message,
    mask_message,
    objects_message,
    overlay_message,
)
from c3n_ros.messages.markers import markers_message
from c3n_ros.messages.message_types import message_class, split_type_name
from c3n_ros.messages.poses import direction_message, position_with_covariance_message
from c3n_ros.segmentation.segmentation_parameters import SegmentationParameters
from c3n_ros.segmentation.sound_changes import SoundChanges
from c3n_ros.topics import OUTPUTS

OUTPUT_DEPTH = 5
LATCHED_TOPIC = "sounding_object/label_info"


class Outputs:
    """Owns the publishers until `close`. `publish` runs in the network thread, everything else in the executor's."""

    def __init__(self, node: LifecycleNode, labels: tuple[str, ...]):
        """`labels`: the model's visual labels, which become the class ids of the mask."""
        self._node = node
        self.vocabulary = Vocabulary(labels)
        self.last: tuple[Segmentation, SegmentationParameters, int] | None = None  # the arguments of the last `publish`
        self._changes = SoundChanges(node.get_logger().info)
        self._announced: tuple | None = None
        self._group = (
            MutuallyExclusiveCallbackGroup()
        )  # for their events; the node's own group would keep a trace of each
        self._publishers: dict[str, Publisher] = {
            topic: self._create(topic, message_type)
            for topic, message_type in OUTPUTS.items()
            if _is_installed(message_type)
        }

    def close(self) -> None:
        """Destroy the publishers."""
        for publisher in self._publishers.values():
            self._node.destroy_lifecycle_publisher(publisher)
        self._publishers.clear()

    def announce(self, settings: SegmentationParameters) -> None:
        """Publish the meaning of the mask's values, if it changed since it was last published."""
        meaning = (len(self.vocabulary), settings.mask_mode, settings.threshold)
        if LATCHED_TOPIC in self._publishers and meaning != self._announced:
            stamp_ns = self._node.get_clock().now().nanoseconds
            message = label_info_message(self.vocabulary, settings.mask_mode, settings.threshold, stamp_ns)
            self._publishers[LATCHED_TOPIC].publish(message)
            self._announced = meaning

    def publish(
        self, segmentation: Segmentation, rgb: np.ndarray, settings: SegmentationParameters, dropped_windows: int
    ) -> None:
        """Publish one window. `rgb` uint8 (H, W, 3) is the segmented image."""
        self.last = (segmentation, settings, dropped_windows)
        self._changes.tell(segmentation)
        mask = mask_message(segmentation, settings.mask_mode, self.vocabulary)
        self.announce(settings)  # before the mask that contains a new value
        self._publish("mask", mask)
        if self._has_subscribers("confidence"):
            self._publish("confidence", confidence_message(segmentation))
        self._publish("objects", objects_message(segmentation, dropped_windows))
        if self._has_subscribers("detections"):
            self._publish("detections", detections_message(segmentation))
        self._publish_poses(segmentation)
        if self._has_subscribers("markers"):
            self._publish("markers", markers_message(segmentation))
        self._publish_overlays(segmentation, rgb)

    def _publish_poses(self, segmentation: Segmentation) -> None:
        strongest = max(segmentation.objects, key=lambda region: region.score * region.area, default=None)
        if strongest is not None and strongest.bearing is not None:
            self._publish("direction", direction_message(segmentation, strongest))
            if strongest.position is not None:
                self._publish("target", position_with_covariance_message(segmentation, strongest))

    def _publish_overlays(self, segmentation: Segmentation, rgb: np.ndarray) -> None:
        converters = {"overlay": overlay_message, "overlay/compressed": compressed_overlay_message}
        subscribed = list(filter(self._has_subscribers, converters))
        if subscribed:
            overlay = draw_overlay(rgb, segmentation)
            for name in subscribed:
                self._publish(name, converters[name](overlay, segmentation))

    def _publish(self, name: str, message: Any) -> None:
        self._publishers[f"sounding_object/{name}"].publish(message)

    def _has_subscribers(self, name: str) -> bool:
        publisher = self._publishers.get(f"sounding_object/{name}")
        return publisher is not None and publisher.get_subscription_count() > 0

    def _create(self, topic: str, message_type: str) -> Publisher:
        profile = QoSProfile(depth=OUTPUT_DEPTH, reliability=ReliabilityPolicy.RELIABLE)
        if topic == LATCHED_TOPIC:
            profile.depth, profile.durability = 1, DurabilityPolicy.TRANSIENT_LOCAL
        return self._node.create_lifecycle_publisher(
            message_class(message_type),
            topic,
            profile,
            callback_group=self._group,
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )


def _is_installed(message_type: str) -> bool:
    package, name = split_type_name(message_type)
    return package != "vision_msgs" or getattr(vision, name) is not None
