"""Position of a region from a depth image (REP-118) or a point cloud, both in the camera's optical frame. Needs no ROS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from c3n_ros.geometry.camera import Camera

# Standard deviation of a region's centre in pixels: masks are predicted at a quarter of the network's size.
CENTRE_SIGMA_PIXELS = 3.0
# A region has a depth if at least this many pixels, and this fraction of them, or this many points of a cloud, are valid.
MIN_VALID_PIXELS, MIN_VALID_FRACTION, MIN_VALID_POINTS = 12, 0.1, 5
# Beyond the range of any sensor of a robot; drivers mark "nothing measured" with inf, NaN, 0 or the largest float32.
MAX_DISTANCE_M = 300.0
DEPTH_SIGMA_FLOOR_M = 0.005  # for a flat surface: the best resolution of depth cameras
_ERODED_FRACTION = 0.08  # of a region's smaller side, at each edge, where the depth is that of the background
_MAD_TO_SIGMA = 1.4826  # for a normal distribution
_METRES_PER_UNIT = {"32FC1": 1.0, "16UC1": 1e-3, "mono16": 1e-3}
_FLOAT32 = 7  # sensor_msgs/PointField


@dataclass(frozen=True)
class Location:
    """A point in the optical frame: `position` (x, y, z) in metres; `covariance` float64 (3, 3) in square metres."""

    position: tuple[float, float, float]
    covariance: np.ndarray


def depth_from_image(message: Any) -> np.ndarray:
    """Convert a depth sensor_msgs/Image to float32 (H, W), metres along the optical axis, NaN where it is not in (0, MAX_DISTANCE_M].

    Raises:
        ValueError: it is neither 32FC1 (metres) nor 16UC1 (millimetres), or its data has the wrong length.
    """
    if message.encoding not in _METRES_PER_UNIT:
        raise ValueError(
            f"expected depth as 32FC1 (metres) or 16UC1 (millimetres), got encoding {message.encoding!r}: "
            "set depth_topic to the raw depth image that is aligned to the colour image"
        )
    dtype = np.dtype(np.float32 if message.encoding == "32FC1" else np.uint16)
    what = f"a {message.encoding} image of {message.width} x {message.height}"
    rows = _rows(message.data, message.height, message.width * dtype.itemsize, message.step, f"{what}, step")
    depth = rows.view(dtype.newbyteorder(">" if message.is_bigendian else "<")).astype(np.float32)
    depth *= np.float32(_METRES_PER_UNIT[message.encoding])
    depth[~_is_plausible(depth)] = np.nan
    return depth


def points_from_cloud(message: Any) -> np.ndarray:
    """Convert a sensor_msgs/PointCloud2, organised or not, to its valid points float32 (n, 3), metres, in its own frame.

    A point is valid if no coordinate is NaN or beyond +-MAX_DISTANCE_M.

    Raises:
        ValueError: it has no float32 fields x, y and z, or its data has the wrong length.
    """
    offsets = {field.name: field.offset for field in message.fields if field.datatype == _FLOAT32}
    if not {"x", "y", "z"} <= offsets.keys():
        names = ", ".join(field.name for field in message.fields)
        raise ValueError(f"expected a point cloud with float32 fields x, y and z, got fields {names or 'none'}")
    what = f"a cloud of {message.width} x {message.height} points of {message.point_step} bytes, row_step"
    rows = _rows(message.data, message.height, message.width * message.point_step, message.row_step, what)
    point = np.dtype(
        {
            "names": ["x", "y", "z"],
            "formats": [">f4" if message.is_bigendian else "<f4"] * 3,
            "offsets": [offsets[name] for name in "xyz"],
            "itemsize": message.point_step,
        }
    )
    packed = rows.reshape(-1).view(point)
    points = np.stack([packed[name].astype(np.float32) for name in "xyz"], axis=1)
    return points[(np.abs(points) <= MAX_DISTANCE_M).all(axis=1)]


def depths_in_image(pixels: np.ndarray, origin: tuple[int, int], depth: np.ndarray) -> np.ndarray:
    """Return the valid depths inside a region without its edges: float32 (n,); empty if too few are valid.

    Args:
        pixels: bool (h, w), the region within its bounding box, whose upper left corner `origin` is at (x, y).
        depth: float32 (H, W) from `depth_from_image`.
    """
    (x, y), (height, width) = origin, pixels.shape
    inside = depth[y : y + height, x : x + width][_eroded(pixels)]
    valid = inside[_is_plausible(inside)]
    enough = len(valid) >= max(MIN_VALID_PIXELS, MIN_VALID_FRACTION * len(inside))
    return valid if enough else valid[:0]


def depths_in_cloud(
    pixels: np.ndarray, origin: tuple[int, int], points: np.ndarray, projections: np.ndarray
) -> np.ndarray:
    """Return depths as `depths_in_image`, from `points` (n, 3) whose `projections` float (n, 2) are from `Camera.pixels`."""
    eroded = _eroded(pixels)
    column, row = np.rint(np.nan_to_num(projections, nan=-1e9).clip(-1e9, 1e9) - origin).astype(np.int64).T
    within = (column >= 0) & (row >= 0) & (column < pixels.shape[1]) & (row < pixels.shape[0])
    within[within] = eroded[row[within], column[within]]
    depths = points[within, 2]
    depths = depths[_is_plausible(depths)]
    return depths if len(depths) >= MIN_VALID_POINTS else depths[:0]


def locate(ray: np.ndarray, depths: np.ndarray, camera: Camera) -> Location | None:
    """Return the position on `ray` (3,) of a region whose surface has `depths` (n,), metres.

    None without depths, for a ray to the side, or if the point is farther than MAX_DISTANCE_M.

    The depth is the median, its standard deviation the scaled median absolute deviation. With q = ray / ray_z the point is
    p = depth * q, and its covariance sigma_depth^2 q q^T plus that of an error of the centre of CENTRE_SIGMA_PIXELS.
    """
    if len(depths) == 0 or not ray[2] > 1e-3:
        return None
    depths = np.asarray(depths, np.float64)  # the mean of the two middle values may overflow float32
    depth = float(np.median(depths))
    sigma = max(_MAD_TO_SIGMA * float(np.median(np.abs(depths - depth))), DEPTH_SIGMA_FLOOR_M)
    slope = ray / ray[2]
    if not 0 < depth * float(np.linalg.norm(slope)) <= MAX_DISTANCE_M:
        return None
    across, down = (CENTRE_SIGMA_PIXELS / focal_length * depth for focal_length in camera.focal_lengths)
    covariance = sigma**2 * np.outer(slope, slope) + np.diag([across**2, down**2, 0])
    return Location(tuple(float(value) for value in depth * slope), covariance)


def _rows(data: Any, height: int, row_bytes: int, step: int, what: str) -> np.ndarray:
    """Return the content of rows of `row_bytes` that begin every `step` bytes: uint8 (height, row_bytes).

    Data of exactly height x row_bytes has no padding, whatever `step` says: some drivers leave it 0 or set it to the whole size.
    Raises ValueError, which begins with `what`, for any other length.
    """
    content = np.frombuffer(data, np.uint8)
    if len(content) == height * row_bytes:
        step = row_bytes
    if row_bytes == 0 or step < row_bytes or len(content) != height * step:
        raise ValueError(
            f"{what} {step}: expected {height} rows of at least {row_bytes} bytes, got {len(content)} bytes; "
            "correct the driver that publishes it"
        )
    return np.ascontiguousarray(content.reshape(height, step)[:, :row_bytes])


def _is_plausible(depths: np.ndarray) -> np.ndarray:
    """Return whether depths are in (0, MAX_DISTANCE_M]; false for NaN."""
    return (depths > 0) & (depths <= MAX_DISTANCE_M)


def _eroded(pixels: np.ndarray) -> np.ndarray:
    """Return a region bool (h, w) without its edge, or unchanged if too little would be left."""
    radius = max(round(_ERODED_FRACTION * min(pixels.shape)), 1)
    size = 2 * radius + 1
    smaller = cv2.erode(np.pad(pixels, 1).astype(np.uint8), np.ones((size, size), np.uint8))[1:-1, 1:-1] > 0
    return smaller if np.count_nonzero(smaller) >= MIN_VALID_PIXELS else pixels
