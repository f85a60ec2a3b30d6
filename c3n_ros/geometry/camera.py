"""A calibrated camera, as described by sensor_msgs/CameraInfo: pixels to rays and back. Needs no ROS: read by attribute.

Directions are unit vectors in the camera's optical frame (REP-103: x to the right, y down, z forward) or two angles:

| angle | zero | positive |
|---|---|---|
| bearing, `atan2(-x, z)` | straight ahead | to the **left**, counterclockwise from above: the sign of cmd_vel's angular.z |
| elevation, `atan2(-y, hypot(x, z))` | level with the camera | up |

Pixels are (x, y) with integers at their centres. For a stereo camera, directions are in the rectified frame (after `r`), as in
image_geometry; for a single camera both frames are the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

FISHEYE_MODELS = ("equidistant", "fisheye")
# Distortion model -> allowed numbers of coefficients; no coefficients, or only zeros, mean no distortion under any name.
_COEFFICIENTS = {
    "": (),
    "plumb_bob": (4, 5),
    "rational_polynomial": (8, 12, 14),
    **dict.fromkeys(FISHEYE_MODELS, (4,)),
}
_ASPECT_TOLERANCE = 0.02  # for a scaled image; otherwise it was cropped, at an unknown position
# Per image size. 0.044 is a pinhole of 170 degrees, 0.11 a fisheye of 360 degrees across the diagonal, 57 a lens of 1 degree.
_FOCAL_LENGTHS = (0.01, 1000.0)
_ROTATION_TOLERANCE = 1e-2
_CRITERIA = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 40, 1e-9)
_NO_SOLUTION = 1e5  # OpenCV returns -1000000 where no direction maps to a fisheye's pixel


@dataclass(frozen=True)
class Camera:
    """A camera and the size of its images.

    `matrix` float64 (3, 3), in pixels of those images; `distortion` float64 (n,), empty for none; `fisheye`: whether
    `distortion` is of the equidistant model; `rotation` float64 (3, 3): from the optical frame as mounted to the rectified one.
    """

    width: int
    height: int
    matrix: np.ndarray
    distortion: np.ndarray
    fisheye: bool
    rotation: np.ndarray

    @classmethod
    def from_info(cls, info: Any, *, rectified: bool = False) -> Camera:
        """Return the camera of a sensor_msgs/CameraInfo, for images as its driver publishes them (binning, region of interest).

        Args:
            rectified: the images are image_rect's: `p` applies, and there is no distortion.
        Raises:
            ValueError: the camera is not calibrated, or the description is invalid.
        """
        matrix = np.asarray(info.k, np.float64).reshape(3, 3)
        rotation = np.asarray(info.r, np.float64).reshape(3, 3)
        distortion = _checked_distortion(info)
        if rectified:
            projection = np.asarray(info.p, np.float64).reshape(3, 4)
            matrix = projection[:, :3] if projection.any() else matrix
            rotation, distortion = np.eye(3), np.zeros(0)
        rotation = rotation if rotation.any() else np.eye(3)
        _check(matrix, rotation, info)
        camera = cls(
            width=info.width,
            height=info.height,
            matrix=matrix,
            distortion=distortion,
            fisheye=info.distortion_model in FISHEYE_MODELS,
            rotation=rotation,
        )
        return _cropped_and_binned(camera, info)

    def for_size(self, width: int, height: int) -> Camera:
        """Return the same camera for images scaled to `width` x `height` pixels.

        Raises:
            ValueError: the aspect ratio differs: the image was cropped, not scaled.
        """
        scale_x, scale_y = width / self.width, height / self.height
        if abs(scale_x / scale_y - 1) > _ASPECT_TOLERANCE:
            raise ValueError(
                f"camera_info describes images of {self.width} x {self.height} pixels, the image has {width} x {height}: "
                "it was cropped; use the camera_info that belongs to the image topic"
            )
        return replace(self, width=width, height=height, matrix=_scaled(self.matrix, scale_x, scale_y))

    @property
    def focal_lengths(self) -> tuple[float, float]:
        """Pixels per unit of slope at the image's centre, across and down."""
        return float(self.matrix[0, 0]), float(self.matrix[1, 1])

    def rays(self, pixels: np.ndarray) -> np.ndarray:
        """Return the rays of pixels (n, 2): unit vectors float64 (n, 3); NaN outside the field of view of a fisheye lens."""
        points = np.ascontiguousarray(pixels, dtype=np.float64).reshape(-1, 1, 2)
        if len(points) == 0:
            return np.zeros((0, 3))
        if self.fisheye and self.distortion.size:
            slopes = cv2.fisheye.undistortPoints(points, self.matrix, self.distortion)
            slopes[np.abs(slopes).max(axis=-1) > _NO_SOLUTION] = np.nan
        else:
            slopes = _undistorted(points, self.matrix, self.distortion)
        rays = np.concatenate([slopes.reshape(-1, 2), np.ones((len(points), 1))], axis=1) @ self.rotation.T
        return rays / np.linalg.norm(rays, axis=1, keepdims=True)

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """Project points (n, 3) of the optical frame: float64 (n, 2); NaN for points outside the field of view."""
        points = np.asarray(points, np.float64).reshape(-1, 3) @ self.rotation
        pixels = np.full((len(points), 2), np.nan)
        # A lens's polynomials are valid within its view only: outside they may fold points back into the image.
        in_view = (points[:, 2] > 0) & (np.hypot(points[:, 0], points[:, 1]) < self._widest_slope() * points[:, 2])
        if in_view.any():
            visible, none = np.ascontiguousarray(points[in_view])[:, None], np.zeros(3)
            if self.fisheye and self.distortion.size:
                projected, _ = cv2.fisheye.projectPoints(visible, none, none, self.matrix, self.distortion)
            else:
                projected, _ = cv2.projectPoints(visible, none, none, self.matrix, self.distortion)
            pixels[in_view] = projected.reshape(-1, 2)
        return pixels

    def _widest_slope(self) -> float:
        """Return the largest slope in the image, with a margin: that of the corners."""
        right, bottom = self.width - 0.5, self.height - 0.5
        x, y, z = (self.rays([[-0.5, -0.5], [right, -0.5], [-0.5, bottom], [right, bottom]]) @ self.rotation).T
        slopes = np.hypot(x, y) / z
        return float(1.1 * slopes.max()) if np.isfinite(slopes).all() else np.inf


def angles(rays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return bearing and elevation of vectors (..., 3) in the optical frame, radians; see the module's table."""
    x, y, z = np.moveaxis(np.asarray(rays, np.float64), -1, 0)
    return np.arctan2(-x, z), np.arctan2(-y, np.hypot(x, z))


def ray_of(bearing: float, elevation: float) -> np.ndarray:
    """Return the unit vector (3,) in the optical frame with these angles, radians."""
    level = np.cos(elevation)
    return np.array([-np.sin(bearing) * level, -np.sin(elevation), np.cos(bearing) * level])


def _undistorted(points: np.ndarray, matrix: np.ndarray, distortion: np.ndarray) -> np.ndarray:
    if hasattr(cv2, "undistortPointsIter"):  # OpenCV 4; its undistortPoints stops after five iterations
        return cv2.undistortPointsIter(points, matrix, distortion, None, None, _CRITERIA)
    return cv2.undistortPoints(points, matrix, distortion, criteria=_CRITERIA)


def _checked_distortion(info: Any) -> np.ndarray:
    distortion = np.asarray(info.d, np.float64).reshape(-1)
    if not np.isfinite(distortion).all():
        raise ValueError("camera_info has distortion coefficients that are not finite; calibrate the camera")
    if not distortion.any():
        return np.zeros(0)
    if info.distortion_model not in _COEFFICIENTS:
        known = ", ".join(filter(None, _COEFFICIENTS))
        raise ValueError(
            f"unknown distortion_model {info.distortion_model!r} with coefficients in camera_info; supported: {known}; "
            "set the driver to one of them, or publish rectified images with coefficients of 0"
        )
    expected = _COEFFICIENTS[info.distortion_model]
    if len(distortion) not in expected:
        raise ValueError(
            f"expected {' or '.join(map(str, expected)) or 'no'} coefficients of distortion_model "
            f"{info.distortion_model!r} in camera_info, got {len(distortion)}"
        )
    return distortion


def _check(matrix: np.ndarray, rotation: np.ndarray, info: Any) -> None:
    if info.width == 0 or info.height == 0:
        raise ValueError("camera_info has a width or height of 0 pixels; correct the driver's camera_info")
    if matrix[0, 0] == 0 or matrix[1, 1] == 0:
        raise ValueError(
            "camera_info has no focal length (k is 0): the camera is not calibrated; calibrate it, for example with "
            "camera_calibration, or give the driver its camera_info_url"
        )
    sizes, (smallest, largest) = np.array([info.width, info.height]), _FOCAL_LENGTHS
    focal_lengths, centre = matrix[[0, 1], [0, 1]] / sizes, matrix[:2, 2] / sizes
    is_plausible = (smallest <= focal_lengths) & (focal_lengths <= largest) & (np.abs(centre) <= largest)
    if not (np.isfinite(matrix).all() and is_plausible.all() and np.array_equal(matrix[2], [0, 0, 1])):
        raise ValueError(
            "expected a camera matrix [fx s cx; 0 fy cy; 0 0 1] with positive focal lengths, "
            f"{smallest} to {largest} times the image's size, in camera_info, got {matrix.tolist()} "
            f"for {info.width} x {info.height} pixels; calibrate the camera"
        )
    bounded = (np.abs(rotation) <= 2).all()  # excludes NaN; no product overflows
    if not (bounded and np.allclose(rotation @ rotation.T, np.eye(3), atol=_ROTATION_TOLERANCE)):
        raise ValueError(
            f"expected a rotation, or zeros, as r in camera_info, got {rotation.tolist()}; calibrate the camera"
        )


def _cropped_and_binned(camera: Camera, info: Any) -> Camera:
    """Return `camera`, which is for the whole sensor, after the driver's region of interest and binning."""
    roi = info.roi
    matrix = camera.matrix.copy()
    matrix[:2, 2] -= roi.x_offset, roi.y_offset
    across, down = max(info.binning_x, 1), max(info.binning_y, 1)
    return replace(
        camera,
        width=max((roi.width or info.width) // across, 1),
        height=max((roi.height or info.height) // down, 1),
        matrix=_scaled(matrix, 1 / across, 1 / down),
    )


def _scaled(matrix: np.ndarray, scale_x: float, scale_y: float) -> np.ndarray:
    """Return the camera matrix of an image scaled as by cv2.resize: edges stay edges, so pixel centres move by half a pixel."""
    scaling = np.array([[scale_x, 0, (scale_x - 1) / 2], [0, scale_y, (scale_y - 1) / 2], [0, 0, 1]])
    return scaling @ matrix
