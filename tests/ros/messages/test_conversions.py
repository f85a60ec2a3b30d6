"""Segmentations as messages."""

import time
from array import array
from dataclasses import replace

import cv2
import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message

from c3n_model.messages.stamps import stamp_of
from c3n_model.types import Presence, Segmentation, SoundingObject, UnifiedLabel
from c3n_ros.health.status import Level, Status
from c3n_ros.messages import vision
from c3n_ros.messages.class_ids import Vocabulary
from c3n_ros.messages.conversions import (
    compressed_overlay_message,
    confidence_message,
    detections_message,
    diagnostics_message,
    label_info_message,
    mask_message,
    objects_message,
    overlay_message,
    time_message,
)

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


def two_sources():
    """A clock, and a dog of another sound in the last row."""
    one = segmentation()
    numbers = one.mask.astype(np.uint16)
    numbers[3, :2] = 2
    scores = {"audio_score": 0.25, "visual_score": 0.5, "similarity": 1.0, "consensus": 0.75}
    dog = SoundingObject("dog", 0.5, (0, 3, 2, 1), (0.5, 3.0), 2, audio_label="Bark", **scores)
    clock = replace(one.objects[0], audio_label="Bell", **scores)
    return replace(one, mask=numbers > 0, objects=(clock, dog), object_numbers=numbers)


def test_every_object_has_its_own_class_id_and_pair():
    vocabulary = Vocabulary(["dog", "clock"])
    pixels = np.array(mask_message(two_sources(), "class_id", vocabulary).data, np.uint8).reshape(4, 6)
    assert (pixels[1:3, 2:5] == 2).all() and (pixels[3, :2] == 1).all() and (pixels > 0).sum() == 8
    clock, dog = over_the_wire(objects_message(two_sources())).objects
    assert (clock.label, clock.audio_label, dog.label, dog.audio_label) == ("clock", "Bell", "dog", "Bark")
    assert (dog.audio_score, dog.visual_score, dog.similarity, dog.consensus) == (0.25, 0.5, 1.0, 0.75)


@pytest.mark.skipif(vision.Detection2DArray is None, reason="without vision_msgs")
def test_every_detection_has_its_own_pair():
    found = detections_message(two_sources()).detections
    named = [[(one.hypothesis.class_id, one.hypothesis.score) for one in detection.results] for detection in found]
    assert named[1] == [("dog", 0.5), ("Bark", 0.25)] and named[0][1] == ("Bell", 0.25)


def over_the_wire(message):
    """What a subscriber gets: the message through DDS's bytes, which refuse fields of a wrong type."""
    return deserialize_message(serialize_message(message), type(message))


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


def test_mask_has_the_id_of_the_label_in_the_vocabulary():
    vocabulary = Vocabulary(["dog", "car", "clock"])
    pixels = np.frombuffer(mask_message(segmentation(), "class_id", vocabulary).data, np.uint8).reshape(4, 6)
    assert np.array_equal(pixels == 3, segmentation().mask) and set(np.unique(pixels)) == {0, 3}
    assert max(mask_message(segmentation(), "binary255", vocabulary).data) == 255


def test_a_silent_mask_gives_no_label_an_id():
    vocabulary = Vocabulary(map(str, range(1000)))
    silent = replace(segmentation(), mask=np.zeros((4, 6), bool), objects=())
    assert max(mask_message(silent, "class_id", vocabulary).data) == 0 and len(vocabulary) == 1
    mask_message(segmentation(), "class_id", vocabulary)
    assert len(vocabulary) == 2, "which tells the node to publish LabelInfo again"


def test_confidence_belongs_to_the_mask():
    message, mask = confidence_message(segmentation()), mask_message(segmentation())
    assert message.header == mask.header and (message.height, message.width, message.encoding) == (4, 6, "mono8")
    assert np.array_equal(np.frombuffer(message.data, np.uint8).reshape(4, 6), segmentation().confidence)


def test_label_info_says_what_each_value_of_the_mask_means():
    vocabulary = Vocabulary(["dog", "clock"])
    message = over_the_wire(label_info_message(vocabulary, "class_id", 0.5, STAMP_NS))
    assert {entry.class_id: entry.class_name for entry in message.class_map} == {0: "background", 1: "dog", 2: "clock"}
    assert message.threshold == 0.5 and stamp_of(message.header) == STAMP_NS
    message = over_the_wire(label_info_message(vocabulary, "binary255", 0.5))
    assert {entry.class_id: entry.class_name for entry in message.class_map} == {0: "background", 255: "sounding"}


def test_detections_are_boxes_with_the_pair_that_agrees():
    message = over_the_wire(detections_message(segmentation()))
    (detection,) = message.detections
    assert detection.header == message.header == mask_message(segmentation()).header
    centre = detection.bbox.center.position
    assert (centre.x, centre.y, detection.bbox.size_x, detection.bbox.size_y) == (3.5, 2.0, 3.0, 2.0)
    pair = [(result.hypothesis.class_id, result.hypothesis.score) for result in detection.results]
    assert pair == [("clock", 0.8), ("Bell", 0.5)] and detection.id == ""


def test_nothing_that_sounds_is_an_empty_array_with_the_header():
    message = over_the_wire(detections_message(replace(segmentation(), objects=())))
    assert list(message.detections) == [] and stamp_of(message.header) == STAMP_NS


def test_without_vision_msgs_the_error_names_the_remedy(monkeypatch):
    monkeypatch.setattr(vision, "LabelInfo", None)
    with pytest.raises(RuntimeError, match="apt install ros-.*vision-msgs"):
        label_info_message(Vocabulary(), "binary255", 0.5)


def test_compressed_overlay_shows_the_same_colours():
    rgb = np.zeros((48, 64, 3), np.uint8)
    rgb[..., 0], rgb[:, 32:, 1] = 200, 150
    message = over_the_wire(compressed_overlay_message(rgb, segmentation(48, 64)))
    assert message.format == "rgb8; jpeg compressed bgr8" and stamp_of(message.header) == STAMP_NS
    decoded = cv2.cvtColor(cv2.imdecode(np.frombuffer(message.data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    assert np.abs(decoded.astype(int) - rgb)[:, [*range(30), *range(34, 64)]].max() < 12


def test_diagnostics_carry_levels_and_figures():
    statuses = [
        Status("camera", Level.ERROR, "nobody publishes", {"rate": "0.0 Hz"}),
        Status("node", Level.OK, "active"),
    ]
    message = over_the_wire(diagnostics_message(statuses, STAMP_NS, "/robot/segmentation", "cuda:0"))
    camera, node = message.status
    assert (camera.level, camera.name, camera.message) == (b"\x02", "/robot/segmentation: camera", "nobody publishes")
    assert [(pair.key, pair.value) for pair in camera.values] == [("rate", "0.0 Hz")] and camera.hardware_id == "cuda:0"
    assert node.level == b"\x00" and stamp_of(message.header) == STAMP_NS


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
    assert region.id == 0


def test_ids_go_out_with_objects_and_detections():
    seen = segmentation()
    seen = replace(seen, objects=tuple(replace(found, id=7) for found in seen.objects))
    assert [found.id for found in objects_message(seen).objects] == [7]
    if vision.Detection2D is not None:
        assert [found.id for found in detections_message(seen).detections] == ["7"]
        assert [found.id for found in detections_message(segmentation()).detections] == [""]


def test_bytes_go_in_at_once():
    big = segmentation(1080, 1920)
    begin = time.perf_counter()
    message = mask_message(big)
    assert time.perf_counter() - begin < 0.1 and isinstance(message.data, array)
