"""Segmentations as messages."""

import time
from array import array

import numpy as np

from c3n_model.sources.messages import stamp_of
from c3n_model.types import Presence, Segmentation, SoundingObject, UnifiedLabel
from c3n_ros.conversions import mask_message, objects_message, overlay_message, time_message

STAMP_NS = 1_700_000_000_123_456_789


def segmentation(height=4, width=6):
    mask = np.zeros((height, width), bool)
    mask[1:3, 2:5] = True
    return Segmentation(
        window_start_ns=1_700_000_000_000_000_000,
        stamp_ns=STAMP_NS,
        frame_id="camera_optical",
        mask=mask,
        confidence=mask.astype(np.uint8) * 200,
        heard=0.75,
        label=UnifiedLabel("Bell", "clock", np.float32(0.5), 0.25, 0.75, 0.6),
        presence=Presence(True, 0.9, -20.0),
        objects=(SoundingObject("clock", 0.8, (2, 1, 3, 2), (3.0, 1.5), 6),),
    )


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


def test_bytes_go_in_at_once():
    big = segmentation(1080, 1920)
    begin = time.perf_counter()
    message = mask_message(big)
    assert time.perf_counter() - begin < 0.1 and isinstance(message.data, array)
