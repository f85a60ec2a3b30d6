"""What the network says, as ROS messages. The way in (messages to frames and sound) is c3n_model.sources.messages.

Bytes go into a message as `array.array`: rclpy copies that in one piece, while it checks `bytes` or a list element by
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

from c3n_model.types import NANOSECONDS_PER_SECOND, Segmentation
from c3n_model.types import SoundingObject as Region
from c3n_ros.geometry.target import Sighting
from c3n_ros.health.status import Status
from c3n_ros.messages import vision
from c3n_ros.messages.class_ids import BACKGROUND, Vocabulary
from c3n_ros.msg import SoundingObject, SoundingObjects

# What a sounding pixel holds: 255 shows up white in viewers; in a mask of class ids it is the number that the vocabulary has
# for the label, or 1 where there is none (0 = background), which is what semantic layers read.
MASK_VALUES = {"binary255": 255, "class_id": 1}
JPEG_QUALITY = 90


def time_message(stamp_ns: int) -> Time:
    """Nanoseconds as builtin_interfaces/Time."""
    seconds, nanoseconds = divmod(stamp_ns, NANOSECONDS_PER_SECOND)
    return Time(sec=seconds, nanosec=nanoseconds)


def mask_message(
    segmentation: Segmentation, mask_mode: str = "binary255", vocabulary: Vocabulary | None = None
) -> Image:
    """The mask as mono8, with the size and the header of the segmented image.

    `mask_mode` is a key of MASK_VALUES; with "class_id" the pixels hold what `vocabulary` has for the visual label, which gets
    a number now if it has none.
    """
    value = MASK_VALUES[mask_mode]
    if mask_mode == "class_id" and vocabulary is not None and segmentation.mask.any():
        value = vocabulary.class_id(segmentation.label.visual)
    return _image_message(segmentation.mask.astype(np.uint8) * np.uint8(value), "mono8", segmentation)


def confidence_message(segmentation: Segmentation) -> Image:
    """How surely each pixel sounds, as mono8 with the mask's size and header: 255 = certain, 0 everywhere in silence."""
    return _image_message(segmentation.confidence, "mono8", segmentation)


def label_info_message(vocabulary: Vocabulary, mask_mode: str, threshold: float, stamp_ns: int = 0) -> Any:
    """vision_msgs/LabelInfo: what each value of a mask of `mask_mode` means, and the `threshold` that it was cut with.

    To be published latched, and again before the first mask with a new id (`len(vocabulary)` grew) or of another mode.
    Raises RuntimeError where vision_msgs is not installed.
    """
    binary = {BACKGROUND: "background", MASK_VALUES["binary255"]: "sounding"}
    names = binary if mask_mode == "binary255" else vocabulary.names
    message = _vision("LabelInfo")(threshold=float(threshold))
    message.header.stamp = time_message(stamp_ns)
    message.class_map = [vision.VisionClass(class_id=number, class_name=name) for number, name in names.items()]
    return message


def detections_message(segmentation: Segmentation) -> Any:
    """vision_msgs/Detection2DArray: a detection for each object, its box, its id and the pair of classes that agree.

    `results[0]` is the visual label with the region's score, `results[1]` the audio label with the classifier's score.
    Raises RuntimeError where vision_msgs is not installed.
    """
    message = _vision("Detection2DArray")()
    _fill_header(message, segmentation)
    for region in segmentation.objects:
        x, y, width, height = map(float, region.box)
        detection = vision.Detection2D(header=message.header, id="" if region.id is None else str(region.id))
        detection.bbox.center.position.x, detection.bbox.center.position.y = x + width / 2, y + height / 2
        detection.bbox.size_x, detection.bbox.size_y = width, height
        label = segmentation.label
        for name, score in ((region.label, region.score), (label.audio, label.audio_score)):
            result = vision.ObjectHypothesisWithPose()
            result.hypothesis.class_id, result.hypothesis.score = name, float(score)
            detection.results.append(result)
        message.detections.append(detection)
    return message


def overlay_message(rgb: np.ndarray, segmentation: Segmentation) -> Image:
    """A drawn picture, uint8 (H, W, 3) with R first, as rgb8 under the segmented image's header."""
    return _image_message(rgb, "rgb8", segmentation)


def compressed_overlay_message(rgb: np.ndarray, segmentation: Segmentation) -> CompressedImage:
    """The same as JPEG, in the form of image_transport's `compressed`."""
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    message = CompressedImage(format="rgb8; jpeg compressed bgr8", data=_bytes_of(encoded))
    _fill_header(message, segmentation)
    return message


def diagnostics_message(
    statuses: Iterable[Status], stamp_ns: int, node_name: str, hardware_id: str = ""
) -> DiagnosticArray:
    """What `Health.summarise` says, each status under "node_name: its name"."""
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
    """Labels, scores and regions of one window; `dropped_windows` is the node's count so far."""
    message = SoundingObjects(window_start=time_message(segmentation.window_start_ns), heard=float(segmentation.heard))
    _fill_header(message, segmentation)
    presence, label = segmentation.presence, segmentation.label
    message.audible = bool(presence.audible)
    message.presence_score = float(presence.score)
    message.loudness_dbfs = float(presence.loudness_dbfs)
    message.visible = bool(presence.visible)
    message.audio_label = label.audio
    message.audio_score = float(label.audio_score)
    message.visual_label = label.visual
    message.visual_score = float(label.visual_score)
    message.similarity = float(label.similarity)
    message.consensus = float(label.consensus)
    message.image_height, message.image_width = segmentation.mask.shape
    message.objects = [_object_message(region) for region in segmentation.objects]
    message.dropped_windows = dropped_windows
    return message


def sightings_from_objects(message: SoundingObjects) -> list[Sighting]:
    """What a target may be chosen from: the objects that have a bearing.

    Numbers are taken as they are (`Sighting.is_plausible` judges them), but for a score outside [0, 1] or an area larger
    than the image: these make the weight NaN, since their product could be plausible.
    """
    return [
        Sighting(found.label, _weight(found, message), found.bearing, found.elevation, _distance(found.position))
        for found in message.objects
        if not math.isnan(found.bearing)
    ]


def _weight(found: SoundingObject, message: SoundingObjects) -> float:
    image_area = message.image_width * message.image_height
    is_plausible = 0 <= found.score <= 1 + 1e-6 and 0 < found.area <= image_area
    return found.score * found.area / image_area if is_plausible else math.nan


def _distance(position: Point) -> float | None:
    """Distance in metres; None for a position that is not known (all NaN)."""
    place = (position.x, position.y, position.z)
    return None if all(map(math.isnan, place)) else math.hypot(*place)


def _object_message(region: Region) -> SoundingObject:
    x, y, width, height = map(int, region.box)
    centroid_x, centroid_y = map(float, region.centroid)
    position = region.position or (math.nan,) * 3
    return SoundingObject(
        label=region.label,
        score=float(region.score),
        x=x,
        y=y,
        width=width,
        height=height,
        centroid_x=centroid_x,
        centroid_y=centroid_y,
        area=int(region.area),
        bearing=_known(region.bearing),
        elevation=_known(region.elevation),
        half_width=_known(region.half_width),
        position=Point(**dict(zip("xyz", map(float, position)))),
        position_covariance=np.array(region.position_covariance or (math.nan,) * 9),
        id=region.id or 0,
    )


def _known(angle: float | None) -> float:
    return math.nan if angle is None else float(angle)


def _image_message(pixels: np.ndarray, encoding: str, segmentation: Segmentation) -> Image:
    height, width = pixels.shape[:2]
    message = Image(height=height, width=width, encoding=encoding, step=pixels[0].nbytes)
    _fill_header(message, segmentation)
    message.data = _bytes_of(pixels)
    return message


def _bytes_of(values: np.ndarray) -> array:
    data = array("B")
    data.frombytes(memoryview(np.ascontiguousarray(values)).cast("B"))
    return data


def _vision(name: str) -> type:
    found = getattr(vision, name)
    if found is None:
        raise RuntimeError(f"{name} needs the package vision_msgs: apt install ros-$ROS_DISTRO-vision-msgs")
    return found


def _fill_header(message: Any, segmentation: Segmentation) -> None:
    message.header.stamp = time_message(segmentation.stamp_ns)
    message.header.frame_id = segmentation.frame_id
