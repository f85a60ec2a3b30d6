"""Pixels and directions, against numbers worked out by hand and against OpenCV's projection."""

import math
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c3n_ros.geometry.camera import Camera, angles, ray_of

PLUMB_BOB = [-0.28, 0.07, 0.001, -0.0005, 0.01]
RATIONAL = [0.4, -0.1, 0.0005, 0.0002, 0.01, 0.7, -0.05, 0.02]
FISHEYE = [0.02, -0.01, 0.004, -0.001]


def info(width=640, height=480, f=400.0, model="plumb_bob", d=(), **changes):
    """A CameraInfo-like message of a camera whose axis goes through pixel (319.5, 239.5), the middle."""
    cx, cy = (width - 1) / 2, (height - 1) / 2
    described = dict(
        width=width, height=height, distortion_model=model, d=list(d),
        k=[f, 0, cx, 0, f, cy, 0, 0, 1], r=[1, 0, 0, 0, 1, 0, 0, 0, 1], p=[f, 0, cx, 0, 0, f, cy, 0, 0, 0, 1, 0],
        binning_x=0, binning_y=0, roi=SimpleNamespace(x_offset=0, y_offset=0, width=0, height=0, do_rectify=False),
    )  # fmt: skip
    return SimpleNamespace(**{**described, **changes})


def angles_at(camera, *pixel):
    return tuple(float(angle) for angle in angles(camera.rays([pixel])[0]))


def test_the_principal_point_is_straight_ahead():
    assert angles_at(Camera.from_info(info()), 319.5, 239.5) == pytest.approx((0, 0), abs=1e-12)


def test_bearing_is_the_arc_tangent_of_offset_over_focal_length_and_positive_to_the_left():
    camera = Camera.from_info(info())
    assert angles_at(camera, 319.5 - 200, 239.5) == pytest.approx((math.atan(0.5), 0))
    assert angles_at(camera, 319.5 + 400, 239.5) == pytest.approx((-math.pi / 4, 0))


def test_elevation_is_positive_up_and_measured_from_the_level_plane():
    camera = Camera.from_info(info())
    assert angles_at(camera, 319.5, 239.5 - 100) == pytest.approx((0, math.atan(0.25)))
    # The ray (1, 1, 1): 45 degrees to the right, below the level plane by atan(1 / sqrt 2).
    assert angles_at(camera, 319.5 + 400, 239.5 + 400) == pytest.approx((-math.pi / 4, -math.atan(math.sqrt(0.5))))


@pytest.mark.parametrize("bearing, elevation", [(0, 0), (0.5, -0.3), (-2.5, 1.2), (math.pi / 2, 0.1)])
def test_a_ray_has_the_given_angles(bearing, elevation):
    ray = ray_of(bearing, elevation)
    assert np.linalg.norm(ray) == pytest.approx(1)
    assert [float(angle) for angle in angles(ray)] == pytest.approx([bearing, elevation])


@pytest.mark.parametrize(
    "model, d", [("plumb_bob", PLUMB_BOB), ("rational_polynomial", RATIONAL), ("equidistant", FISHEYE)]
)
def test_distortion_is_undone(model, d):
    """Pixels that OpenCV's own projection gives look back along the points they came from."""
    camera = Camera.from_info(info(f=300.0, model=model, d=d))
    slopes = np.stack(np.meshgrid(np.linspace(-0.9, 0.9, 9), np.linspace(-0.7, 0.7, 7)), -1).reshape(-1, 1, 2)
    points = np.concatenate([slopes, np.ones((len(slopes), 1, 1))], axis=2) * 3
    project = cv2.fisheye.projectPoints if model == "equidistant" else cv2.projectPoints
    pixels, _ = project(points, np.zeros(3), np.zeros(3), camera.matrix, np.array(d))
    rays = points[:, 0] / np.linalg.norm(points[:, 0], axis=1, keepdims=True)
    assert np.allclose(camera.rays(pixels.reshape(-1, 2)), rays, atol=1e-7)
    undistorted = Camera.from_info(info(f=300.0))
    assert not np.allclose(undistorted.rays(pixels.reshape(-1, 2)), rays, atol=1e-2), "the distortion matters"
    assert np.allclose(camera.pixels(points[:, 0]), pixels.reshape(-1, 2), atol=1e-6)


def test_points_outside_the_view_have_no_pixel():
    camera = Camera.from_info(info(d=PLUMB_BOB))
    pixels = camera.pixels(np.array([[0, 0, 2.0], [0, 0, -2.0], [50.0, 0, 2.0]]))
    assert pixels[0] == pytest.approx([319.5, 239.5]) and np.isnan(pixels[1:]).all()


def test_a_scaled_image_has_a_scaled_camera():
    """The left edge of the left-most pixel looks the same way in every size."""
    camera = Camera.from_info(info())
    half = camera.for_size(320, 240)
    assert half.focal_lengths == (200, 200)
    assert np.allclose(half.rays([[-0.5, -0.5], [319.5, 239.5]]), camera.rays([[-0.5, -0.5], [639.5, 479.5]]))


def test_a_cropped_image_is_refused():
    with pytest.raises(ValueError, match="640 x 480.*480 x 480"):
        Camera.from_info(info()).for_size(480, 480)


def test_region_of_interest_and_binning_move_the_principal_point():
    roi = SimpleNamespace(x_offset=100, y_offset=40, width=400, height=300, do_rectify=False)
    camera = Camera.from_info(info(roi=roi, binning_x=2, binning_y=2))
    assert (camera.width, camera.height, camera.focal_lengths) == (200, 150, (200, 200))
    # Sensor pixel (319.5, 239.5) is (219.5, 199.5) of the region, whose bins of two by two begin at its corner.
    assert angles_at(camera, (219.5 + 0.5) / 2 - 0.5, (199.5 + 0.5) / 2 - 0.5) == pytest.approx((0, 0), abs=1e-12)


def test_a_rectified_image_has_the_projection_and_no_distortion():
    projection = [200.0, 0, 300, 0, 0, 200, 200, 0, 0, 0, 1, 0]
    camera = Camera.from_info(info(d=PLUMB_BOB, p=projection), rectified=True)
    assert angles_at(camera, 100, 200) == pytest.approx((math.pi / 4, 0))


def test_zero_coefficients_are_no_distortion_under_any_name():
    camera = Camera.from_info(info(distortion_model="brown_conrady", d=[0.0] * 5))
    assert angles_at(camera, 100, 200) == angles_at(Camera.from_info(info(d=[])), 100, 200)


def test_rays_of_a_stereo_camera_are_of_the_rectified_frame():
    turn, _ = cv2.Rodrigues(np.array([0, 0.1, 0]))  # about y (down): what is ahead moves to the right
    camera = Camera.from_info(info(r=turn.reshape(-1).tolist()))
    assert angles_at(camera, 319.5, 239.5) == pytest.approx((-0.1, 0))
    assert camera.pixels(camera.rays([[100.0, 50.0]]) * 4) == pytest.approx(np.array([[100.0, 50.0]]))


def test_a_rectification_of_zeros_is_the_identity():
    assert angles_at(Camera.from_info(info(r=[0.0] * 9)), 319.5, 239.5) == pytest.approx((0, 0), abs=1e-12)


@pytest.mark.parametrize(
    "changes, named",
    [
        ({"k": [0.0] * 9}, "camera_info_url"),
        ({"k": [-400.0, 0, 319.5, 0, 400, 239.5, 0, 0, 1]}, r"\[-400\.0, 0\.0, 319\.5\]"),
        ({"width": 0}, "width.* 0 pixels"),
        ({"distortion_model": "thin_prism", "d": [0.1] * 5}, "distortion_model.*thin_prism.*plumb_bob"),
        ({"d": [0.1, 0.2]}, "4 or 5 .*plumb_bob.* got 2"),
        ({"d": [math.nan] * 5}, "distortion.*finite"),
        ({"k": [math.nan, 0, 319.5, 0, 400, 239.5, 0, 0, 1]}, r"\[nan, 0\.0, 319\.5\]"),
        ({"k": [math.inf, 0, 319.5, 0, 400, 239.5, 0, 0, 1]}, r"\[inf, 0\.0, 319\.5\]"),
        ({"k": [1e-9, 0, 319.5, 0, 400, 239.5, 0, 0, 1]}, r"0\.01 to 1000\.0"),
        ({"k": [400, 0, 1e300, 0, 400, 239.5, 0, 0, 1]}, "1e\\+300"),
        ({"k": [400, 0, 319.5, 0, 400, 239.5, 0, 0, 0]}, "0 0 1"),
        ({"r": [math.nan] * 9}, "r in camera_info.*nan"),
        ({"r": [2.0, 0, 0, 0, 2, 0, 0, 0, 2]}, r"r in camera_info.*\[2\.0, 0\.0, 0\.0\]"),
    ],
)
def test_an_invalid_description_is_refused_by_name_and_value(changes, named):
    with pytest.raises(ValueError, match=named):
        Camera.from_info(info(**changes))


NUMBERS = st.one_of(st.floats(-2, 2), st.floats(100, 600), st.just(0.0), st.floats())


@given(
    st.lists(NUMBERS, min_size=9, max_size=9)
    | st.tuples(NUMBERS, NUMBERS).map(lambda f: [f[0], 0, 9, 0, f[1], 9, 0, 0, 1]),
    st.sampled_from([[0.0] * 9, [1, 0, 0, 0, 1, 0, 0, 0, 1]]) | st.lists(NUMBERS, min_size=9, max_size=9),
    st.lists(NUMBERS, min_size=5, max_size=5),
)
def test_any_camera_info_is_refused_or_gives_unit_rays_or_none(k, r, d):
    try:
        camera = Camera.from_info(info(k=k, r=r, d=d))
    except ValueError:
        return
    with np.errstate(all="ignore"):
        rays = camera.rays([[0.0, 0.0], [319.5, 239.5], [639.0, 479.0]])
    lengths = np.linalg.norm(rays, axis=1)
    assert (np.isnan(lengths) | (np.abs(lengths - 1) < 1e-6)).all()


def test_a_scaled_camera_has_the_size_of_its_images():
    camera = Camera.from_info(info())
    assert (camera.width, camera.height) == (640, 480)
    half = camera.for_size(320, 240)
    assert (half.width, half.height) == (320, 240)
    assert half.matrix.tolist() == [[200, 0, 159.5], [0, 200, 119.5], [0, 0, 1]]
    assert half.for_size(640, 480).matrix.tolist() == camera.matrix.tolist()


def test_no_pixels_have_no_rays():
    assert Camera.from_info(info()).rays(np.zeros((0, 2))).shape == (0, 3)
