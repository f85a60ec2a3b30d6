"""Sounding objects for RViz: a ray from the camera to each, a sphere where it is, and its name."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from c3n_model.types import Segmentation, SoundingObject
from c3n_ros.geometry.camera import ray_of
from c3n_ros.messages.conversions import time_message

RAY_M = 3.0  # length of the ray to an object whose distance is not known
_ORANGE, _WHITE = (1.0, 0.59, 0.0), (1.0, 1.0, 1.0)
_SMALLEST_M = 0.1  # diameter of a sphere


def markers_message(segmentation: Segmentation, lifetime_s: float = 2.0) -> MarkerArray:
    """Return the markers of the objects that have a bearing, after one that removes those before.

    In the header's frame, the optical frame of the camera: namespaces `rays` (arrows), `positions` (spheres of two standard
    deviations, with depth) and `labels`. They vanish `lifetime_s` after the last message.
    """
    clear = _marker(segmentation, "", 0, Marker.SPHERE, lifetime_s)
    clear.action = Marker.DELETEALL
    message = MarkerArray(markers=[clear])
    for index, region in enumerate(segmentation.objects):
        if region.bearing is not None and region.elevation is not None:
            message.markers += _markers_of(segmentation, region, region.id or index + 1, lifetime_s)
    return message


def _markers_of(segmentation: Segmentation, region: SoundingObject, number: int, lifetime_s: float) -> list[Marker]:
    end = np.asarray(
        region.position if region.position is not None else RAY_M * ray_of(region.bearing, region.elevation)
    )
    ray = _marker(segmentation, "rays", number, Marker.ARROW, lifetime_s)
    ray.points = [Point(), _point(end)]
    ray.scale.x, ray.scale.y, ray.scale.z = 0.03, 0.08, 0.15  # shaft, head, length of the head [m]
    text = _marker(segmentation, "labels", number, Marker.TEXT_VIEW_FACING, lifetime_s, _WHITE)
    text.pose.position = _point(end)
    text.scale.z = 0.2
    text.text = f"{region.label} {region.score:.2f}" + (f" #{region.id}" if region.id else "")
    if region.position is None:
        return [ray, text]
    sphere = _marker(segmentation, "positions", number, Marker.SPHERE, lifetime_s)
    sphere.pose.position = _point(end)
    spread = _SMALLEST_M
    if region.position_covariance is not None:
        trace = float(np.trace(np.reshape(region.position_covariance, (3, 3))))
        spread = max(4 * float(np.sqrt(max(trace, 0.0) / 3)), _SMALLEST_M)
    sphere.scale.x = sphere.scale.y = sphere.scale.z = spread
    return [ray, sphere, text]


def _marker(
    segmentation: Segmentation, namespace: str, number: int, kind: int, lifetime_s: float,
    colour: tuple[float, float, float] = _ORANGE,
) -> Marker:  # fmt: skip
    marker = Marker(ns=namespace, id=number, type=kind, action=Marker.ADD)
    marker.header.stamp = time_message(segmentation.stamp_ns)
    marker.header.frame_id = segmentation.frame_id
    marker.pose.orientation.w = 1.0
    marker.color = ColorRGBA(r=colour[0], g=colour[1], b=colour[2], a=0.8)
    marker.lifetime.sec, marker.lifetime.nanosec = int(lifetime_s), int(lifetime_s % 1 * 1e9)
    return marker


def _point(values: np.ndarray) -> Point:
    x, y, z = map(float, values)
    return Point(x=x, y=y, z=z)
