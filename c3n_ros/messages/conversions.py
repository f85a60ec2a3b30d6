"""Segmentations to ROS messages. The way in (messages to frames and sound) is c3n_model.messages.

Bytes go into a message as `array.array`: rclpy copies that as a block, while it checks `bytes` or a list element by
element (0.2 ms against 0.4 s for a 1080p image).
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from geometry_msgs.msg import Point
from sensor_msgs.msg import CompressedImage, Image

from c3n_model.messages.object_fields import write_fields
from c3n_model.types import NANOSECONDS_PER_SECOND, Segmentation
from c3n_model.types import SoundingObject as Region
from c3n_ros.geometry.target import Sighting
from c3n_ros.health.status import Status
from c3n_ros.messages import vision
from c3n_ros.messages.class_ids import BACKGROUND, Vocabulary
from c3n_ros.msg import SoundingObject, SoundingObjects

# Value of a sounding pixel: 255 is white in viewers; a mask of class ids holds the vocabulary's id of the label, or 1 without
# a vocabulary (0 = background), which is what semantic layers read.
MASK_VALUES = {"binary255": 255, "class_id": 1}
JPEG_QUALITY = 90


def time_message(stamp_ns: int) -> Time:
    """Convert nanoseconds to builtin_interfaces/Time."""
    seconds, nanoseconds = divmod(stamp_ns, NANOSECONDS_PER_SECOND)
    return Time(sec=seconds, nanosec=nanoseconds)


def mask_message(
    segmentation: Segmentation, mask_mode: str = "binary255", vocabulary: Vocabulary | None = None
) -> Image:
    """Return the mask as mono8, with size and header of the segmented image.

    `mask_mode` is a key of MASK_VALUES; with "class_id" sounding pixels hold the `vocabulary`'s id of the label of their object (of
    the window, for pixels of no object), which is assigned now if the label is new.
    """
    values = segmentation.mask.astype(np.uint8) * np.uint8(MASK_VALUES[mask_mode])
    if mask_mode == "class_id" and vocabulary is not None and segmentation.mask.any():
        values = _class_ids(segmentation, vocabulary)
    return _image_message(values, "mono8", segmentation.stamp_ns, segmentation.frame_id)


def _class_ids(segmentation: Segmentation, vocabulary: Vocabulary) -> np.ndarray:
    label, numbers = segmentation.label.visual, segmentation.object_numbers
    labels = [label, *(region.label for region in segmentation.objects)]
    if numbers is None or len(set(labels)) == 1:
        return segmentation.mask.astype(np.uint8) * np.uint8(vocabulary.class_id(label))
    ids = np.array([vocabulary.class_id(name) for name in labels], np.uint8)
    return np.where(segmentation.mask, ids[numbers], np.uint8(BACKGROUND))


def confidence_message(segmentation: Segmentation) -> Image:
    """Return the confidence of each pixel as mono8, with size and header of the mask: 255 = certain, all 0 in silence."""
    return _image_message(segmentation.confidence, "mono8", segmentation.stamp_ns, segmentation.frame_id)


def label_info_message(vocabulary: Vocabulary, mask_mode: str, threshold: float, stamp_ns: int = 0) -> Any:
    """Return vision_msgs/LabelInfo: the meaning of each value of a mask in `mask_mode`, and the `threshold` of the mask.

    Publish it latched, and again before the first mask with a new id (`len(vocabulary)` grew) or in another mode.
    Raises RuntimeError where vision_msgs is not installed.
    """
    binary = {BACKGROUND: "background", MASK_VALUES["binary255"]: "sounding"}
    names = binary if mask_mode == "binary255" else vocabulary.names
    message = _vision("LabelInfo")(threshold=float(threshold))
    message.header.stamp = time_message(stamp_ns)
    message.class_map = [vision.VisionClass(class_id=number, class_name=name) for number, name in names.items()]
    return message


def detections_message(segmentation: Segmentation) -> Any:
    """Return vision_msgs/Detection2DArray: for each object its box, its id and the pair of classes that agree.

    `results[0]` is the visual label with the region's score, `results[1]` the audio label with the classifier's score.
    Raises RuntimeError where vision_msgs is not installed.
    """
    message = _vision("Detection2DArray")()
    _fill_header(message, segmentation)
    for region in segmentation.objects:
        x, y, width, height = map(float, region.box)
        detection = vision.Detection2D(header=message.header, id=str(region.id or ""))
        detection.bbox.center.position.x, detection.bbox.center.position.y = x + width / 2, y + height / 2
        detection.bbox.size_x, detection.bbox.size_y = width, height
        pair = region.pair or segmentation.label
        for name, score in ((region.label, region.score), (pair.audio, pair.audio_score)):
            result = vision.ObjectHypothesisWithPose()
            result.hypothesis.class_id, result.hypothesis.score = name, float(score)
            detection.results.append(result)
        message.detections.append(detection)
    return message


def picture_message(rgb: np.ndarray, stamp_ns: int, frame_id: str) -> Image:
    """Return a picture uint8 (H, W, 3), R first, as rgb8."""
    return _image_message(rgb, "rgb8", stamp_ns, frame_id)


def compressed_picture_message(rgb: np.ndarray, stamp_ns: int, frame_id: str) -> CompressedImage:
    """Return the same as JPEG, in the form of image_transport's `compressed`."""
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    message = CompressedImage(format="rgb8; jpeg compressed bgr8", data=_bytes_of(encoded))
    message.header.stamp, message.header.frame_id = time_message(stamp_ns), frame_id
    return message


def overlay_message(rgb: np.ndarray, segmentation: Segmentation) -> Image:
    """Convert an overlay, RGB uint8 (H, W, 3), to an rgb8 image with the header of the segmented image."""
    return picture_message(rgb, segmentation.stamp_ns, segmentation.frame_id)


def compressed_overlay_message(rgb: np.ndarray, segmentation: Segmentation) -> CompressedImage:
    """Convert an overlay to JPEG in the format of image_transport's `compressed`."""
    return compressed_picture_message(rgb, segmentation.stamp_ns, segmentation.frame_id)


def diagnostics_message(
    statuses: Iterable[Status], stamp_ns: int, node_name: str, hardware_id: str = ""
) -> DiagnosticArray:
    """Return the statuses of `Health.summarise`, each named "node_name: name"."""
    message = DiagnosticArray()
    message.header.stamp = time_message(stamp_ns)
    message.status = [
        DiagnosticStatus(
            level=bytes([status.level]),
            name=f"{node_name}: {status.name}",
            message=status.message,
            hardware_id=hardware_id,
            values=[KeyValue(key=key, value=value) for key, value in status.values.items()],
        )
        for status in statuses
    ]
    return message


def objects_message(segmentation: Segmentation, dropped_windows: int = 0) -> SoundingObjects:
    """Return labels, scores and regions of one window; `dropped_windows` is the node's count so far."""
    message = SoundingObjects(window_start=time_message(segmentation.window_start_ns), heard=float(segmentation.heard))
    _fill_header(message, segmentation)
    write_fields(segmentation.presence, message)
    write_fields(segmentation.label, message)
    write_fields(segmentation.sound, message)
    message.motion_decision = segmentation.motion_decision
    message.reason = segmentation.presence.reason
    message.image_height, message.image_width = segmentation.mask.shape
    message.objects = [_object_message(region) for region in segmentation.objects]
    message.dropped_windows = dropped_windows
    return message


def sightings_from_objects(message: SoundingObjects) -> list[Sighting]:
    """Return the objects that have a bearing, from which a target may be chosen.

    Numbers are not checked here (`Sighting.is_plausible` does), except for a score outside [0, 1] or an area larger than the
    image: these make the weight NaN, since their product could be plausible.
    """
    return [
        Sighting(region.label, _weight(region, message), region.bearing, region.elevation, _distance(region.position))
        for region in message.objects
        if not math.isnan(region.bearing)
    ]


def _weight(region: SoundingObject, message: SoundingObjects) -> float:
    image_area = message.image_width * message.image_height
    is_plausible = 0 <= region.score <= 1 + 1e-6 and 0 < region.area <= image_area
    return region.score * region.area / image_area if is_plausible else math.nan


def _distance(position: Point) -> float | None:
    """Return the distance in metres; None for an unknown position (all NaN)."""
    coordinates = (position.x, position.y, position.z)
    return None if all(map(math.isnan, coordinates)) else math.hypot(*coordinates)


def _object_message(region: Region) -> SoundingObject:
    message = SoundingObject()
    write_fields(region, message)
    return message


def _image_message(pixels: np.ndarray, encoding: str, stamp_ns: int, frame_id: str) -> Image:
    height, width = pixels.shape[:2]
    message = Image(height=height, width=width, encoding=encoding, step=pixels[0].nbytes)
    message.header.stamp, message.header.frame_id = time_message(stamp_ns), frame_id
    message.data = _bytes_of(pixels)
    return message


def _bytes_of(values: np.ndarray) -> array:
    data = array("B")
    data.frombytes(memoryview(np.ascontiguousarray(values)).cast("B"))
    return data


def _vision(name: str) -> type:
    message_class = getattr(vision, name)
    if message_class is None:
        raise RuntimeError(f"{name} needs the package vision_msgs: apt install ros-$ROS_DISTRO-vision-msgs")
    return message_class


def _fill_header(message: Any, segmentation: Segmentation) -> None:
    message.header.stamp = time_message(segmentation.stamp_ns)
    message.header.frame_id = segmentation.frame_id
