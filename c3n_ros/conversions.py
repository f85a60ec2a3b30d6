"""What the network says, as ROS messages. The way in (messages to frames and sound) is c3n_model.sources.messages.

Bytes go into a message as `array.array`: rclpy copies that in one piece, while it checks `bytes` or a list element by
element (0.2 ms against 0.4 s for a 1080p image).
"""

from __future__ import annotations

import math
from array import array

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point
from sensor_msgs.msg import Image

from c3n_model.types import NANOSECONDS_PER_SECOND, Segmentation
from c3n_model.types import SoundingObject as Region
from c3n_ros.msg import SoundingObject, SoundingObjects
from c3n_ros.target import Sighting

# What a sounding pixel holds. 255 shows up white in rviz; 1 is the class id that semantic layers read (0 = background).
MASK_VALUES = {"binary255": 255, "class_id": 1}


def time_message(stamp_ns: int) -> Time:
    """Nanoseconds as builtin_interfaces/Time."""
    seconds, nanoseconds = divmod(stamp_ns, NANOSECONDS_PER_SECOND)
    return Time(sec=seconds, nanosec=nanoseconds)


def mask_message(segmentation: Segmentation, mask_mode: str = "binary255") -> Image:
    """The mask as mono8, with the size and the header of the segmented image; `mask_mode` is a key of MASK_VALUES."""
    pixels = segmentation.mask.astype(np.uint8) * np.uint8(MASK_VALUES[mask_mode])
    return _image_message(pixels, "mono8", segmentation)


def overlay_message(rgb: np.ndarray, segmentation: Segmentation) -> Image:
    """A drawn picture, uint8 (H, W, 3) with R first, as rgb8 under the segmented image's header."""
    return _image_message(rgb, "rgb8", segmentation)


def objects_message(segmentation: Segmentation, dropped_windows: int = 0) -> SoundingObjects:
    """Labels, scores and regions of one window; `dropped_windows` is the node's count so far."""
    message = SoundingObjects(window_start=time_message(segmentation.window_start_ns), heard=float(segmentation.heard))
    _fill_header(message, segmentation)
    presence, label = segmentation.presence, segmentation.label
    message.audible = bool(presence.audible)
    message.presence_score = float(presence.score)
    message.loudness_dbfs = float(presence.loudness_dbfs)
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
    """What a target may be chosen from: the objects that have a bearing."""
    picture = max(message.image_width * message.image_height, 1)
    return [
        Sighting(
            label=found.label,
            weight=found.score * found.area / picture,
            bearing=found.bearing,
            elevation=found.elevation,
            distance=None
            if math.isnan(found.position.z)
            else math.hypot(found.position.x, found.position.y, found.position.z),
        )
        for found in message.objects
        if not math.isnan(found.bearing)
    ]


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
    )


def _known(angle: float | None) -> float:
    return math.nan if angle is None else float(angle)


def _image_message(pixels: np.ndarray, encoding: str, segmentation: Segmentation) -> Image:
    height, width = pixels.shape[:2]
    message = Image(height=height, width=width, encoding=encoding, step=pixels[0].nbytes)
    _fill_header(message, segmentation)
    data = array("B")
    data.frombytes(memoryview(np.ascontiguousarray(pixels)).cast("B"))
    message.data = data
    return message


def _fill_header(message: Image | SoundingObjects, segmentation: Segmentation) -> None:
    message.header.stamp = time_message(segmentation.stamp_ns)
    message.header.frame_id = segmentation.frame_id
