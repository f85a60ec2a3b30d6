"""Directions and positions of the regions of a mask."""

import math
from dataclasses import replace

import numpy as np
import pytest

from c3n_model.sources.results import describe
from c3n_model.streaming.objects import objects_of
from c3n_model.types import Presence, Segmentation, SoundingObject, UnifiedLabel
from c3n_ros.geometry.camera import Camera, angles, ray_of
from c3n_ros.geometry.direction import region_direction, region_pixels, with_directions

CAMERA = Camera(160, 120, np.array([[80.0, 0, 79.5], [0, 80.0, 59.5], [0, 0, 1]]), np.zeros(0), False, np.eye(3))


def segmentation(*boxes, confidence=200, shape=(120, 160)):
    """Objects that fill boxes (x, y, width, height)."""
    mask = np.zeros(shape, bool)
    for x, y, width, height in boxes:
        mask[y : y + height, x : x + width] = True
    certain = mask.astype(np.uint8) * np.uint8(confidence)
    return Segmentation(
        0, 1, "camera", mask, certain, UnifiedLabel("Bell", "clock", 0.5, 0.25, 0.75, 0.6), Presence(True, 0.9, -20.0),
        objects_of(mask, certain / 255, "", None, None)[0],
    )  # fmt: skip


def test_an_object_in_the_middle_is_straight_ahead():
    (found,) = with_directions(segmentation((70, 50, 20, 20)), CAMERA).objects
    assert (found.bearing, found.elevation) == pytest.approx((0, 0), abs=1e-9)
    assert found.half_width == pytest.approx(math.atan(9.5 / 80)) and found.position is None


def test_an_object_to_the_left_and_above_has_positive_angles():
    (found,) = with_directions(segmentation((37, 17, 5, 5)), CAMERA).objects  # centre (39, 19): slopes -40.5 / 80
    assert found.bearing == pytest.approx(math.atan(40.5 / 80), abs=1e-3)
    assert found.elevation == pytest.approx(math.atan(40.5 / math.hypot(80, 40.5)), abs=1e-3)


def test_instances_that_touch_have_their_own_directions():
    seen = segmentation((40, 50, 80, 20))  # one region of the mask, two things in it
    owner = np.zeros(seen.mask.shape, int)
    owner[:, 80:] = 1
    objects, numbers = objects_of(seen.mask, seen.confidence / 255, "dog", owner, np.array([0.5, 0.6]))
    found = with_directions(replace(seen, objects=objects, object_numbers=numbers), CAMERA).objects
    left, right = sorted(found, key=lambda one: one.box)
    assert left.bearing == pytest.approx(-right.bearing, abs=1e-6) and left.bearing > 0.2


def test_an_instance_that_reaches_into_anothers_box_does_not_count_for_it():
    """A small thing within the box of a larger one: its pixels, and their depth, are its own."""
    seen = segmentation((40, 40, 80, 40))
    owner = np.zeros(seen.mask.shape, int)
    owner[40:60, 40:60] = 1
    objects, numbers = objects_of(seen.mask, seen.confidence / 255, "dog", owner, np.array([0.5, 0.6]))
    depth = np.where(owner == 1, 1.0, 5.0).astype(np.float32)
    large, small = with_directions(replace(seen, objects=objects, object_numbers=numbers), CAMERA, depth).objects
    assert (large.box, small.box) == ((40, 40, 80, 40), (40, 40, 20, 20))
    assert small.position[2] == pytest.approx(1.0) and large.position[2] == pytest.approx(5.0)
    rays = CAMERA.rays(np.argwhere((owner == 0) & seen.mask)[:, ::-1].astype(float))
    mean = rays.mean(axis=0)
    assert large.bearing == pytest.approx(math.atan2(-mean[0], mean[2]), abs=2e-3)


def test_a_wide_object_far_aside_is_weighed_by_angle_and_not_by_pixels():
    """From bearing 0 to 45 degrees: pixels crowd towards the edge of a flat picture, so the centroid lies beyond the mean."""
    seen = segmentation((0, 50, 80, 20))
    (found,) = with_directions(seen, CAMERA).objects
    direction = region_direction(region_pixels(seen.mask, found), seen.confidence[50:70, 0:80], found, CAMERA)
    rays = [ray_of(math.atan((79.5 - column) / 80), 0.0) for column in range(80)]
    mean = np.mean(rays, axis=0)
    assert direction.bearing == pytest.approx(math.atan2(-mean[0], mean[2]), abs=2e-3)
    assert direction.centroid_bearing == pytest.approx(math.atan(40 / 80), abs=1e-6)
    assert found.half_width == pytest.approx((math.atan(79.5 / 80) - math.atan(0.5 / 80)) / 2, abs=1e-6)


def test_confident_pixels_draw_the_direction():
    seen = segmentation((60, 50, 40, 20))
    seen.confidence[:, 80:] //= 4
    (found,) = with_directions(seen, CAMERA).objects
    assert found.bearing > 0.05, "the left half is surer"


@pytest.mark.parametrize("seed", range(20))
def test_half_width_is_that_of_all_pixels(seed):
    """Also of an object in pieces, with holes, anywhere in the picture."""
    random = np.random.default_rng(seed)
    x, y = random.integers(0, 120), random.integers(0, 90)
    pixels = random.random((random.integers(2, 30), random.integers(2, 40))) < random.choice([0.1, 0.5, 0.9])
    pixels[0, 0] = True
    box = (int(x), int(y), pixels.shape[1], pixels.shape[0])
    region = SoundingObject("dog", 0.5, box, (x + 1.0, y + 1.0), int(pixels.sum()))
    found = region_direction(pixels, np.full(pixels.shape, 200, np.uint8), region, CAMERA)
    bearings, _ = angles(CAMERA.rays(np.argwhere(pixels)[:, ::-1] + np.array([x, y], float)))
    assert found.half_width == pytest.approx(np.ptp(bearings) / 2, abs=1e-9)


def test_half_width_of_an_object_behind_a_lens_that_sees_all_around():
    """Its bearings are on both sides of +-pi."""

    class Around:
        def rays(self, points):
            return np.stack([ray_of(math.pi - (x - 10) / 100, 0.0) for x, _ in np.asarray(points)])

    region = SoundingObject("dog", 0.5, (0, 0, 21, 5), (10.0, 2.0), 105)
    found = region_direction(np.ones((5, 21), bool), np.full((5, 21), 200, np.uint8), region, Around())
    assert found.half_width == pytest.approx(0.1) and abs(found.bearing) == pytest.approx(math.pi)


def test_averaging_large_regions_in_cells_does_not_change_the_direction():
    big = Camera(1600, 1200, np.array([[800.0, 0, 799.5], [0, 800.0, 599.5], [0, 0, 1]]), np.zeros(0), False, np.eye(3))
    (found,) = with_directions(segmentation((150, 100, 701, 503), shape=(1200, 1600)), big).objects
    rays = big.rays(np.stack(np.meshgrid(np.arange(150, 851), np.arange(100, 603)), -1).reshape(-1, 2))
    mean = rays.mean(axis=0)
    assert found.bearing == pytest.approx(math.atan2(-mean[0], mean[2]), abs=1e-4)
    assert found.elevation == pytest.approx(math.atan2(-mean[1], math.hypot(mean[0], mean[2])), abs=1e-4)


def test_a_region_that_reaches_into_anothers_box_is_left_out():
    mask = np.zeros((20, 20), bool)
    mask[0, :], mask[:, 0] = True, True  # an angle whose box is the whole picture
    mask[5:15, 5:15] = True
    angle, square = sorted(objects_of(mask, mask.astype(float), "", None, None)[0], key=lambda found: found.area)
    assert np.count_nonzero(region_pixels(mask, angle)) == 39 and not region_pixels(mask, angle)[10, 10]
    assert np.count_nonzero(region_pixels(mask, square)) == 100


def test_depth_gives_each_object_its_position():
    seen = segmentation((70, 50, 20, 20), (10, 50, 20, 20))
    depth = np.full((120, 160), 5.0, np.float32)
    depth[50:70, 70:90], depth[:, :40] = 2.0, np.nan
    near, unknown = sorted(with_directions(seen, CAMERA, depth).objects, key=lambda found: found.box, reverse=True)
    assert near.position == pytest.approx((0, 0, 2.0), abs=1e-6) and len(near.position_covariance) == 9
    assert unknown.position is None and unknown.bearing > 0.5


def test_a_cloud_is_used_where_depth_is_invalid():
    seen = segmentation((70, 50, 20, 20))
    grid = np.stack(np.meshgrid(np.linspace(-0.2, 0.2, 9), np.linspace(-0.2, 0.2, 9), [3.0]), -1).reshape(-1, 3)
    for depth in (None, np.full((120, 160), np.nan, np.float32)):
        (found,) = with_directions(seen, CAMERA, depth, grid.astype(np.float32)).objects
        assert found.position == pytest.approx((0, 0, 3.0), abs=1e-6)


def test_the_camera_follows_the_image_s_size():
    (small,) = with_directions(segmentation((30, 40, 20, 20)), CAMERA).objects
    (large,) = with_directions(segmentation((60, 80, 40, 40), shape=(240, 320)), CAMERA).objects
    assert (large.bearing, large.elevation) == pytest.approx((small.bearing, small.elevation), abs=1e-3)


def test_depth_of_another_size_is_refused():
    with pytest.raises(ValueError, match="160 x 120.*80 x 60.*aligned"):
        with_directions(segmentation((70, 50, 20, 20)), CAMERA, np.ones((60, 80), np.float32))
    for shape in ((119, 160), (120, 161)):  # one side alone
        with pytest.raises(ValueError, match="aligned"):
            with_directions(segmentation((70, 50, 20, 20)), CAMERA, np.ones(shape, np.float32))


def test_a_fisheye_shows_nothing_outside_its_circle():
    lens = replace(CAMERA, matrix=np.array([[20.0, 0, 79.5], [0, 20.0, 59.5], [0, 0, 1]]), fisheye=True)
    lens = replace(lens, distortion=np.array([0.1, 0.05, 0.0, 0.0]))
    (found,) = with_directions(segmentation((70, 50, 20, 20)), lens).objects
    assert found.bearing == pytest.approx(0, abs=1e-6)
    described = describe(with_directions(segmentation((0, 0, 8, 8)), lens), "mask.png")["objects"][0]
    assert all(math.isfinite(described[name]) for name in ("bearing", "elevation") if name in described)


def test_silence_has_no_directions():
    assert with_directions(segmentation(), CAMERA).objects == ()


def test_json_has_known_values_and_no_nan():
    seen = segmentation((70, 50, 20, 20))
    assert "bearing" not in describe(seen, "mask.png")["objects"][0]
    described = describe(with_directions(seen, CAMERA, np.full((120, 160), 2.0, np.float32)), "mask.png")["objects"][0]
    assert described["position"] == pytest.approx((0, 0, 2.0), abs=1e-6) and len(described["position_covariance"]) == 9


def test_of_a_large_region_every_pixel_counts():
    """A region larger than the grid of rays, of which one half is four times as sure: the mean is of all pixels."""
    seen = segmentation((10, 20, 140, 90))
    sure = seen.confidence.copy()
    sure[:, :80] //= 4
    found = region_direction(seen.mask[20:110, 10:150], sure[20:110, 10:150], seen.objects[0], CAMERA)
    rows, columns = np.mgrid[20:110, 10:150]
    rays = CAMERA.rays(np.stack([columns, rows], axis=-1).reshape(-1, 2))
    mean = (rays * sure[20:110, 10:150].reshape(-1, 1)).sum(axis=0)
    assert found.ray == pytest.approx(mean / np.linalg.norm(mean), abs=2e-4)


def test_an_outline_around_the_back_has_no_jump():
    """The widths of regions of a fisheye lens that sees behind itself are those of their angles."""
    matrix = np.array([[30.0, 0, 79.5], [0, 30.0, 59.5], [0, 0, 1]])
    camera = Camera(160, 120, matrix, np.zeros(4), True, np.diag([-1.0, 1.0, -1.0]))  # looks to the back
    (found,) = with_directions(segmentation((70, 50, 20, 20)), camera).objects
    assert abs(found.bearing) == pytest.approx(math.pi, abs=0.02)
    assert found.half_width == pytest.approx(9.5 / 30, abs=0.02)
