"""Directions and positions of the regions of a mask. Pure: NumPy and OpenCV, no ROS.

    camera = Camera.from_info(camera_info)
    segmentation = with_directions(session.step(window), camera, depth=depth_from_image(depth_message))

A region's direction is the mean of its pixels' rays, weighted by the network's confidence: lens
distortion is removed before averaging, and pixels of low confidence count less. The centroid's ray is returned, too; the two differ little.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from c3n_model.types import Segmentation, SoundingObject
from c3n_ros.geometry.camera import Camera, angles
from c3n_ros.geometry.depth import depths_in_cloud, depths_in_image, locate

_MAX_CELLS = 64  # along a side of a region: enough rays for its direction


@dataclass(frozen=True)
class Direction:
    """The direction of a region. Angles in radians, bearing positive to the left, elevation up (see `c3n_ros.geometry.camera`).

    `ray` float64 (3,): the mean ray, a unit vector in the optical frame; `bearing` and `elevation` are its angles;
    `centroid_bearing` and `centroid_elevation` those of the centroid's ray; `half_width`: half of the range of bearings of the
    region's outline.
    """

    ray: np.ndarray
    bearing: float
    elevation: float
    centroid_bearing: float
    centroid_elevation: float
    half_width: float


def with_directions(
    segmentation: Segmentation, camera: Camera, depth: np.ndarray | None = None, cloud: np.ndarray | None = None
) -> Segmentation:
    """Return `segmentation` with the direction of each object and, if depth is known, its position.

    Args:
        camera: of the segmented image; scaled to the image's size.
        depth: float32 (H, W), metres, NaN where invalid, aligned with the segmented image (`depth_from_image`).
        cloud: points float32 (n, 3), metres, in the camera's optical frame (`points_from_cloud`); used where `depth`
            is missing or invalid.
    Raises:
        ValueError: the camera or the depth belongs to images of another shape.
    """
    height, width = segmentation.mask.shape
    if (camera.width, camera.height) != (width, height):
        camera = camera.for_size(width, height)
    if depth is not None:
        check_depth_size(depth, width, height)
    projections = None if cloud is None else camera.pixels(cloud)

    def located(number: int, region: SoundingObject) -> SoundingObject:
        x, y, columns, rows = region.box
        if segmentation.object_numbers is None:
            pixels = region_pixels(segmentation.mask, region)
        else:
            pixels = segmentation.object_numbers[y : y + rows, x : x + columns] == number
        confidence = segmentation.confidence[y : y + rows, x : x + columns]
        direction = region_direction(pixels, confidence, region, camera)
        if direction is None:
            return region
        depths = np.zeros(0) if depth is None else depths_in_image(pixels, (x, y), depth)
        if len(depths) == 0 and cloud is not None:
            depths = depths_in_cloud(pixels, (x, y), cloud, projections)
        location = locate(direction.ray, depths, camera)
        return replace(
            region,
            bearing=direction.bearing,
            elevation=direction.elevation,
            half_width=direction.half_width,
            position=location and location.position,
            position_covariance=location and tuple(location.covariance.reshape(-1).tolist()),
        )

    return replace(
        segmentation,
        objects=tuple(located(number, region) for number, region in enumerate(segmentation.objects, start=1)),
    )


def check_depth_size(depth: np.ndarray, width: int, height: int) -> None:
    """Raise ValueError unless depth (H, W) has the size of the image, as aligned depth has."""
    if depth.shape != (height, width):
        raise ValueError(
            f"expected depth of the image's size {width} x {height}, got {depth.shape[1]} x {depth.shape[0]}: "
            "set depth_topic to the depth image that is aligned (registered) to the colour image"
        )


def region_pixels(mask: np.ndarray, region: SoundingObject) -> np.ndarray:
    """Return which pixels of the region's box belong to it: bool (height, width). Another region may extend into the box."""
    x, y, width, height = region.box
    inside = mask[y : y + height, x : x + width].astype(np.uint8)
    count, numbers, stats, _ = cv2.connectedComponentsWithStats(inside, connectivity=8)
    if count < 2:
        return inside > 0
    return numbers == 1 + int(np.argmin(np.abs(stats[1:, cv2.CC_STAT_AREA] - region.area)))


def region_direction(
    pixels: np.ndarray, confidence: np.ndarray, region: SoundingObject, camera: Camera
) -> Direction | None:
    """Return the direction of a region, or None: `pixels` bool (h, w) and `confidence` uint8 (h, w) within its box.

    None for a region without pixels, or entirely outside the field of view of a fisheye lens.
    """
    origin = np.array(region.box[:2], np.float64)
    weights, centres = _cells(np.where(pixels, confidence, 0))
    rays = camera.rays(centres + origin)
    known = np.isfinite(rays).all(axis=1)
    mean = (rays[known] * weights[known, None]).sum(axis=0)
    length = np.linalg.norm(mean)
    if length == 0:
        return None
    bearing, elevation = (float(angle) for angle in angles(mean / length))
    centroid_bearing, centroid_elevation = (float(angle) for angle in angles(camera.rays([region.centroid])[0]))
    outlines, _ = cv2.findContours(pixels.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline, _ = angles(camera.rays(np.concatenate(outlines).reshape(-1, 2) + origin))
    relative = (outline[np.isfinite(outline)] - bearing + np.pi) % (
        2 * np.pi
    ) - np.pi  # no jump at +-pi for a wide lens
    half_width = float(np.ptp(relative)) / 2 if len(relative) else 0.0
    return Direction(mean / length, bearing, elevation, centroid_bearing, centroid_elevation, half_width)


def _cells(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Average weights (h, w) in cells, at most 64 x 64: float64 (n,), and the cells' centres float64 (n, 2), pixels."""
    height, width = weights.shape
    columns, rows = min(width, _MAX_CELLS), min(height, _MAX_CELLS)
    cells = cv2.resize(weights.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
    x, y = (np.arange(columns) + 0.5) * width / columns - 0.5, (np.arange(rows) + 0.5) * height / rows - 0.5
    centres = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    weights = cells.reshape(-1).astype(np.float64)
    return weights[weights > 0], centres[weights > 0]
