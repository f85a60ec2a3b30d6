"""Depth images, point clouds, and how far away a region is."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from c3n_ros.geometry.camera import Camera
from c3n_ros.geometry.depth import (
    CENTRE_SIGMA_PIXELS,
    DEPTH_SIGMA_FLOOR_M,
    MAX_DISTANCE_M,
    depth_from_image,
    depths_in_cloud,
    depths_in_image,
    locate,
    points_from_cloud,
)

CAMERA = Camera(100, 80, np.array([[50.0, 0, 50], [0, 40.0, 40], [0, 0, 1]]), np.zeros(0), False, np.eye(3))


def depth_image(values, dtype, encoding, padding=0, big=False):
    rows = np.array(values, dtype)
    rows = rows.astype(rows.dtype.newbyteorder(">" if big else "<"))
    data = b"".join(row.tobytes() + b"\xff" * padding for row in rows)
    height, width = rows.shape
    step = width * rows.itemsize + padding
    return SimpleNamespace(height=height, width=width, encoding=encoding, step=step, is_bigendian=big, data=data)


@pytest.mark.parametrize("padding, big", [(0, False), (6, False), (0, True)])
def test_depth_is_metres_in_either_encoding(padding, big):
    metres = depth_image([[0.5, 0.0], [np.inf, 2.25]], np.float32, "32FC1", padding, big)
    millimetres = depth_image([[500, 0], [0, 2250]], np.uint16, "16UC1", padding, big)
    for message in (metres, millimetres):
        depth = depth_from_image(message)
        assert depth.dtype == np.float32
        assert np.allclose(depth, [[0.5, np.nan], [np.nan, 2.25]], equal_nan=True)


def test_depth_that_cannot_be_read_is_refused():
    with pytest.raises(ValueError, match="32FC1.*16UC1.*'rgb8'"):
        depth_from_image(depth_image([[1]], np.uint8, "rgb8"))
    short = depth_image([[1.0, 2.0]], np.float32, "32FC1")
    short.data = short.data[:-1]
    with pytest.raises(ValueError, match="2 x 1, step 8.* 7 bytes"):
        depth_from_image(short)
    for height in (1, 3):  # rows that do not exist, or are left over
        other = depth_image([[1.0, 2.0], [3.0, 4.0]], np.float32, "32FC1")
        other.height = height
        with pytest.raises(ValueError, match=f"expected {height} rows.* 16 bytes"):
            depth_from_image(other)


def cloud(points, height=1, big=False, padding=0, names="xyz"):
    """Points (n, 3) among other fields, in `height` rows with padding."""
    order = ">f4" if big else "<f4"
    point = np.dtype({"names": list(names), "formats": [order] * 3, "offsets": [4, 8, 16], "itemsize": 24})
    packed = np.zeros(len(points), point)
    for index, name in enumerate(names):
        packed[name] = np.array(points)[:, index]
    data = b"".join(row.tobytes() + b"\0" * padding for row in packed.reshape(height, -1))
    width = len(points) // height
    return SimpleNamespace(
        height=height, width=width, point_step=24, row_step=24 * width + padding, is_bigendian=big, data=data,
        fields=[SimpleNamespace(name=name, offset=at, datatype=7) for name, at in zip(names, (4, 8, 16))],
    )  # fmt: skip


@pytest.mark.parametrize("options", [{}, {"height": 2}, {"height": 2, "padding": 8}, {"big": True}])
def test_points_of_a_cloud(options):
    points = [[1, 2, 3], [np.nan, 0, 1], [4, 5, 6], [7, 8, 9]]
    assert np.array_equal(points_from_cloud(cloud(points, **options)), [[1, 2, 3], [4, 5, 6], [7, 8, 9]])


@pytest.mark.parametrize("row_step", [0, 96], ids=["unset", "size of the cloud"])
def test_a_cloud_without_padding_is_read_with_any_row_step(row_step):
    points = [[1, 2, 3], [3, 0, 1], [4, 5, 6], [7, 8, 9]]
    message = cloud(points, height=2)
    message.row_step = row_step
    assert np.array_equal(points_from_cloud(message), points)


def test_depth_without_padding_is_read_with_any_step():
    message = depth_image([[0.5, 1.0], [1.5, 2.0]], np.float32, "32FC1")
    message.step = 0
    assert np.array_equal(depth_from_image(message), [[0.5, 1.0], [1.5, 2.0]])


def test_a_cloud_without_coordinates_is_refused():
    with pytest.raises(ValueError, match="x, y, i"):
        points_from_cloud(cloud([[1, 2, 3]], names="xyi"))


def test_a_regions_edges_and_invalid_pixels_do_not_count():
    """A 10 x 10 object at 2 m, its outer ring seen through to the wall at 8 m, a few holes."""
    depth = np.full((80, 100), 8.0, np.float32)
    depth[21:29, 31:39] = 2.0
    depth[24, 33:36] = np.nan
    inside = depths_in_image(np.ones((10, 10), bool), (30, 20), depth)
    assert len(inside) == 64 - 3 and (inside == 2.0).all()


def test_a_region_too_small_to_lose_its_edge_keeps_it():
    assert len(depths_in_image(np.ones((4, 4), bool), (30, 20), np.full((80, 100), 2.0, np.float32))) == 16


def test_too_few_valid_pixels_give_no_depth():
    depth = np.full((80, 100), np.nan, np.float32)
    depth[20:23, 30:33] = 1.0
    assert len(depths_in_image(np.ones((20, 20), bool), (25, 15), depth)) == 0
    depth[20:30, 30:40] = 1.0
    assert len(depths_in_image(np.ones((20, 20), bool), (25, 15), depth)) == 100


def test_points_of_a_cloud_inside_a_region():
    """Six points within pixels (48..52, 38..42) and others beside them, before and behind."""
    inside = [[0.01 * k, 0, 3.0 + 0.1 * k] for k in range(6)]
    points = np.array([*inside, [2.0, 0, 3.0], [0, 1.0, 3.0], [0, 0, -3.0]], np.float32)
    pixels = np.ones((5, 5), bool)
    depths = depths_in_cloud(pixels, (48, 38), points, CAMERA.pixels(points))
    assert sorted(depths.tolist()) == pytest.approx([3.0, 3.1, 3.2, 3.3, 3.4, 3.5])
    assert len(depths_in_cloud(pixels, (48, 38), points[:4], CAMERA.pixels(points[:4]))) == 0, "four are too few"


def test_a_position_is_the_median_depth_on_the_ray():
    """Ray (0.6, 0, 0.8): slope 0.75. Depths 1.8, 2, 2, 2.2, 9: median 2, median deviation 0.2."""
    location = locate(np.array([0.6, 0, 0.8]), np.array([1.8, 2, 2, 2.2, 9.0]), CAMERA)
    assert location.position == pytest.approx((1.5, 0, 2))
    sigma, across, down = 1.4826 * 0.2, CENTRE_SIGMA_PIXELS / 50 * 2, CENTRE_SIGMA_PIXELS / 40 * 2
    expected = [
        [(0.75 * sigma) ** 2 + across**2, 0, 0.75 * sigma**2],
        [0, down**2, 0],
        [0.75 * sigma**2, 0, sigma**2],
    ]
    assert location.covariance == pytest.approx(np.array(expected))
    assert (np.linalg.eigvalsh(location.covariance) > 0).all()


def test_a_flat_surface_is_as_sure_as_a_camera_can_be():
    location = locate(np.array([0, 0, 1.0]), np.full(20, 3.0), CAMERA)
    assert location.covariance[2, 2] == pytest.approx(DEPTH_SIGMA_FLOOR_M**2)


def test_no_depth_is_no_position():
    assert locate(np.array([0, 0, 1.0]), np.zeros(0), CAMERA) is None
    assert locate(np.array([1.0, 0, 0]), np.ones(20), CAMERA) is None, "depth says nothing along a ray to the side"


LARGEST = np.finfo(np.float32).max
ANY_FLOAT32 = st.one_of(st.floats(width=32), st.floats(0.125, 16, width=32), st.just(float(LARGEST)))


@pytest.mark.parametrize("mark", [LARGEST, np.inf, np.nan, 0.0, -1.0, 300.5, -LARGEST])
def test_markers_of_missing_depth_are_invalid(mark):
    assert np.isnan(depth_from_image(depth_image(np.full((3, 4), mark), np.float32, "32FC1"))).all()
    assert len(depths_in_image(np.ones((10, 10), bool), (0, 0), np.full((10, 10), mark, np.float32))) == 0


def test_the_range_ends_at_its_limit():
    assert (depth_from_image(depth_image([[MAX_DISTANCE_M]], np.float32, "32FC1")) == MAX_DISTANCE_M).all()


def test_a_median_does_not_overflow_and_a_far_point_has_no_position():
    assert locate(np.array([0, 0, 1.0]), np.full(20, LARGEST), CAMERA) is None
    assert locate(np.array([0.99, 0, 0.01]), np.full(20, 10.0), CAMERA) is None, "1,000 m along the ray"


@given(arrays(np.float32, (8, 8), elements=ANY_FLOAT32))
def test_any_depth_image_gives_a_finite_position_within_range_or_none(values):
    for depth in (depth_from_image(depth_image(values, np.float32, "32FC1")), values):
        location = locate(np.array([0.6, 0, 0.8]), depths_in_image(np.ones((8, 8), bool), (0, 0), depth), CAMERA)
        if location is not None:
            assert 0 < np.linalg.norm(location.position) <= MAX_DISTANCE_M + 1e-9
            assert np.isfinite(location.covariance).all()


@given(arrays(np.float32, (30, 3), elements=ANY_FLOAT32))
def test_any_cloud_gives_depths_within_range(values):
    for points in (points_from_cloud(cloud(values)), values):
        with np.errstate(all="ignore"):
            depths = depths_in_cloud(np.ones((80, 100), bool), (0, 0), points, CAMERA.pixels(points))
        assert ((depths > 0) & (depths <= MAX_DISTANCE_M)).all()
