"""The node's publishers, there while it is configured. All are reliable, which reaches both kinds of subscribers, and all
messages of a window have the header of the image that was segmented.

| topic under sounding_object/ | message |
|---|---|
| mask | sensor_msgs/Image mono8: 255, or the class's id, where it sounds |
| confidence | sensor_msgs/Image mono8: 255 = certain |
| label_info | vision_msgs/LabelInfo, transient local: what the mask's values mean |
| detections | vision_msgs/Detection2DArray |
| objects | c3n_ros/SoundingObjects: labels, scores and regions |
| direction | geometry_msgs/PoseStamped: where to look for the object of most score x area; needs camera_info |
| target | geometry_msgs/PoseWithCovarianceStamped: where that object is; needs depth, too |
| overlay, overlay/compressed | sensor_msgs/Image rgb8, CompressedImage: for people |

Without vision_msgs there is no label_info and there are no detections. What costs something to make is made only while somebody
subscribes to it. Every topic takes qos_overrides.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CompressedImage, Image

from c3n_model.pictures.overlay import draw_overlay
from c3n_model.types import Segmentation
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
from c3n_ros.messages.poses import direction_message, position_with_covariance_message
from c3n_ros.messages.vision import Detection2DArray, LabelInfo
from c3n_ros.msg import SoundingObjects
from c3n_ros.segmentation.settings import SegmentationParameters

OUTPUT_DEPTH = 5


class Outputs:
    """Publishers from now to `close`. `publish` runs in the network's thread, all else in the executor's."""

    def __init__(self, node: LifecycleNode, labels: tuple[str, ...]):
        """`labels`: the model's visual ones, which the mask's values stand for."""
        self._node = node
        self._vocabulary = Vocabulary(labels)
        self._announced: tuple | None = None
        self._publishers = []
        self._group = MutuallyExclusiveCallbackGroup()  # of their events; the node's own would keep a trace of each
        self._mask = self._add(Image, "mask")
        self._confidence = self._add(Image, "confidence")
        self._objects = self._add(SoundingObjects, "objects")
        self._direction = self._add(PoseStamped, "direction")
        self._target = self._add(PoseWithCovarianceStamped, "target")
        self._overlay = self._add(Image, "overlay")
        self._compressed_overlay = self._add(CompressedImage, "overlay/compressed")
        self._label_info = LabelInfo and self._add(LabelInfo, "label_info", latched=True)
        self._detections = Detection2DArray and self._add(Detection2DArray, "detections")

    def close(self) -> None:
        """Nothing is published any more."""
        for publisher in self._publishers:
            self._node.destroy_lifecycle_publisher(publisher)
        self._publishers.clear()

    def announce(self, settings: SegmentationParameters) -> None:
        """Say what the mask's values mean, if that has changed since it was last said."""
        meaning = (len(self._vocabulary), settings.mask_mode, settings.threshold)
        if self._label_info is not None and meaning != self._announced:
            stamp_ns = self._node.get_clock().now().nanoseconds
            message = label_info_message(self._vocabulary, settings.mask_mode, settings.threshold, stamp_ns)
            self._label_info.publish(message)
            self._announced = meaning

    def publish(
        self, segmentation: Segmentation, rgb: np.ndarray, settings: SegmentationParameters, dropped_windows: int
    ) -> None:
        """One window: `rgb` uint8 (H, W, 3) is the image that was segmented."""
        mask = mask_message(segmentation, settings.mask_mode, self._vocabulary)
        self.announce(settings)  # before the mask that has a new value
        self._mask.publish(mask)
        if _is_wanted(self._confidence):
            self._confidence.publish(confidence_message(segmentation))
        self._objects.publish(objects_message(segmentation, dropped_windows))
        if _is_wanted(self._detections):
            self._detections.publish(detections_message(segmentation))
        self._publish_poses(segmentation)
        self._publish_overlays(segmentation, rgb)

    def _publish_poses(self, segmentation: Segmentation) -> None:
        strongest = max(segmentation.objects, key=lambda found: found.score * found.area, default=None)
        if strongest is not None and strongest.bearing is not None:
            self._direction.publish(direction_message(segmentation, strongest))
            if strongest.position is not None:
                self._target.publish(position_with_covariance_message(segmentation, strongest))

    def _publish_overlays(self, segmentation: Segmentation, rgb: np.ndarray) -> None:
        overlays = (_is_wanted(self._overlay), _is_wanted(self._compressed_overlay))
        if any(overlays):
            drawn = draw_overlay(rgb, segmentation)
            if overlays[0]:
                self._overlay.publish(overlay_message(drawn, segmentation))
            if overlays[1]:
                self._compressed_overlay.publish(compressed_overlay_message(drawn, segmentation))

    def _add(self, kind: type, name: str, latched: bool = False) -> Any:
        profile = QoSProfile(depth=1 if latched else OUTPUT_DEPTH, reliability=ReliabilityPolicy.RELIABLE)
        if latched:
            profile.durability = DurabilityPolicy.TRANSIENT_LOCAL
        publisher = self._node.create_lifecycle_publisher(
            kind,
            f"sounding_object/{name}",
            profile,
            callback_group=self._group,
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )
        self._publishers.append(publisher)
        return publisher


def _is_wanted(publisher: Any) -> bool:
    return publisher is not None and publisher.get_subscription_count() > 0
