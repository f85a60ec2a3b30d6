"""Segmentations as messages."""

import math
import time
from array import array

import numpy as np
import pytest
from sounding import STAMP_NS, segmentation

from c3n_model.sources.messages import stamp_of
from c3n_ros.conversions import (
    mask_message,
    objects_message,
    overlay_message,
    sightings_from_objects,
    time_message,
)
from c3n_ros.replay import segmentation_from_messages
from c3n_ros.target import sightings_of


def test_stamps_keep_their_nanoseconds():
    assert (time_message(STAMP_NS).sec, time_message(STAMP_NS).nanosec) == (1_700_000_000, 123_456_789)


def test_mask_has_size_and_header_of_the_image():
    message = mask_message(segmentation())
    assert (message.height, message.width, message.step, message.encoding) == (4, 6, 6, "mono8")
    assert stamp_of(message.header) == STAMP_NS and message.header.frame_id == "camera_optical"
    pixels = np.frombuffer(message.data, np.uint8).reshape(4, 6)
    assert np.array_equal(pixels == 255, segmentation().mask) and set(np.unique(pixels)) == {0, 255}


def test_mask_of_class_ids():
    pixels = np.frombuffer(mask_message(segmentation(), "class_id").data, np.uint8).reshape(4, 6)
    assert np.array_equal(pixels, segmentation().mask.astype(np.uint8))


def test_overlay_is_rgb8_even_from_a_view():
    rgb = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    message = overlay_message(rgb[:, ::-1], segmentation())
    assert (message.encoding, message.step) == ("rgb8", 18)
    assert np.array_equal(np.frombuffer(message.data, np.uint8).reshape(4, 6, 3), rgb[:, ::-1])


def test_objects_carry_labels_scores_and_regions():
    message = objects_message(segmentation(), dropped_windows=3)
    assert (message.audio_label, message.visual_label, message.audible) == ("Bell", "clock", True)
    assert (message.image_width, message.image_height, message.dropped_windows) == (6, 4, 3)
    assert message.heard == 0.75 and message.loudness_dbfs == -20.0 and message.window_start.sec == 1_700_000_000
    (region,) = message.objects
    assert (region.x, region.y, region.width, region.height, region.area) == (2, 1, 3, 2, 6)
    assert (region.centroid_x, region.centroid_y, region.label) == (3.0, 1.5, "clock")


def test_directions_and_positions_go_there_and_back():
    seen = segmentation(bearing=0.5, position=(-1.0, 0.25, 3.0))
    message = objects_message(seen)
    (region,) = message.objects
    assert (region.bearing, region.elevation, region.half_width) == pytest.approx((0.5, 0.1, 0.05))
    assert (region.position.x, region.position.y, region.position.z) == (-1.0, 0.25, 3.0)
    assert region.position_covariance.tolist() == list(range(9))
    (back,) = segmentation_from_messages(seen.mask, message).objects
    assert back.bearing == 0.5 and back.position == (-1.0, 0.25, 3.0) and back.position_covariance == tuple(range(9))


def test_what_is_not_known_is_nan_in_messages():
    message = objects_message(segmentation())
    (region,) = message.objects
    unknown = (region.bearing, region.elevation, region.half_width, region.position.x, region.position.z)
    assert all(map(math.isnan, unknown)) and np.isnan(region.position_covariance).all()
    (back,) = segmentation_from_messages(segmentation().mask, message).objects
    assert back.bearing is None and back.position is None and back.position_covariance is None


@pytest.mark.parametrize("position", [None, (-1.0, 0.0, 3.0)])
def test_a_target_is_chosen_alike_from_messages_and_from_segmentations(position):
    seen = segmentation(bearing=0.5, position=position)
    (one,), (other,) = sightings_from_objects(objects_message(seen)), sightings_of(seen)
    assert (one.label, one.bearing) == (other.label, other.bearing)
    assert (one.weight, one.elevation) == pytest.approx((other.weight, other.elevation))
    assert one.distance == other.distance
    assert sightings_from_objects(objects_message(segmentation())) == []


def test_bytes_go_in_at_once():
    big = segmentation(1080, 1920)
    begin = time.perf_counter()
    message = mask_message(big)
    assert time.perf_counter() - begin < 0.1 and isinstance(message.data, array)
