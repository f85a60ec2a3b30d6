"""Which of several topics is taken for the camera and the microphone."""

import numpy as np
import pytest
from bag_recorder import SECOND, BagRecorder
from rosbags.typesys import get_types_from_msg

from c3n_model.sources.bag import BagSource
from c3n_model.sources.bag_types import standard_types
from c3n_model.types import AudioChunk, Frame

COLOUR, GREY, DEPTH = "rgb8", "mono8", "16UC1"


def make(path, *images, sounds=("/audio/audio_stamped",)):
    with BagRecorder(path) as bag:
        for topic, encoding in images:
            for number in range(3):
                bag.image(topic, SECOND + number, encoding)
        for topic in sounds:
            bag.sound(topic, SECOND)
    return path


@pytest.mark.parametrize(
    "images, chosen",
    [
        ([("/sounding_object/mask", GREY), ("/camera/image_raw", COLOUR)], "/camera/image_raw"),
        ([("/robot1/sounding_object/overlay", COLOUR), ("/camera/image_raw", GREY)], "/camera/image_raw"),
        ([("/camera/infra1/image_rect_raw", GREY), ("/camera/color/image_raw", COLOUR)], "/camera/color/image_raw"),
        ([("/camera/aligned", DEPTH), ("/camera/rgb/image_raw", COLOUR)], "/camera/rgb/image_raw"),
        ([("/depth/image_colored", COLOUR), ("/usb_cam/image_raw", COLOUR)], "/usb_cam/image_raw"),
        ([("/thermal/image_raw", COLOUR), ("/left/image_raw", COLOUR)], "/left/image_raw"),
        ([("/front/image", COLOUR), ("/rear/image", COLOUR)], "/front/image"),
        ([("/camera/depth", DEPTH), ("/camera/infra1", GREY)], "/camera/infra1"),
    ],
)
def test_the_colour_image_is_preferred_and_the_choice_is_reported(tmp_path, images, chosen):
    source = BagSource(make(tmp_path / "bag", *images))
    assert source.image_topic == chosen
    (note,) = [note for note in source.notes if "--image-topic" in note]
    assert chosen in note and all(topic in note for topic, _ in images)


@pytest.mark.parametrize("topic, encoding", [("/sounding_object/mask", GREY), ("/camera/depth", DEPTH)])
def test_masks_of_the_node_and_depth_are_never_chosen(tmp_path, topic, encoding):
    path = make(tmp_path / "bag", (topic, encoding))
    with pytest.raises(ValueError, match=rf"--image-topic.*{topic}"):
        BagSource(path)


def test_a_topic_without_messages_is_not_chosen(tmp_path):
    path = tmp_path / "bag"
    with BagRecorder(path) as bag:
        bag.writer.add_connection("/empty/image", "sensor_msgs/msg/Image", typestore=bag.types)
        bag.image("/full/image", SECOND)
        bag.sound("/audio/audio_stamped", SECOND)
    assert BagSource(path).image_topic == "/full/image"
    with pytest.raises(ValueError, match="/empty/image has 0 messages"):
        BagSource(path, image_topic="/empty/image")


def test_several_microphones(tmp_path):
    source = BagSource(make(tmp_path / "bag", ("/camera", COLOUR), sounds=("/left/audio", "/right/audio")))
    assert source.audio_topic == "/left/audio"
    assert any("--audio-topic" in note and "/right/audio" in note for note in source.notes)
    named = BagSource(tmp_path / "bag", audio_topic="/right/audio")
    assert named.audio_topic == "/right/audio" and not any("--audio-topic" in note for note in named.notes)


def test_stamps_of_zero_are_replaced_by_log_times(tmp_path):
    with BagRecorder(tmp_path / "bag") as bag:
        for number in range(1, 4):
            bag.image("/camera", number * SECOND, stamp_ns=0)
            bag.sound("/audio", number * SECOND, stamp_ns=0, samples=16_000)
    source = BagSource(tmp_path / "bag")
    items = list(source)
    assert [item.stamp_ns for item in items if isinstance(item, Frame)] == [SECOND, 2 * SECOND, 3 * SECOND]
    assert [item.stamp_ns for item in items if isinstance(item, AudioChunk)] == [0, SECOND, 2 * SECOND]
    assert [note for note in source.notes if "stamps of 0" in note and "/camera" in note]


WRONG = {
    "a missing field": "std_msgs/Header header\nuint32 height\nuint32 width\nuint8 is_bigendian\nuint32 step\nuint8[] data\n",
    "another type": "std_msgs/Header header\nuint32 height\nuint32 width\nstring encoding\nuint8 is_bigendian\n"
    "uint32 step\nfloat64[] data\n",
}


@pytest.mark.parametrize("definition", WRONG.values(), ids=WRONG)
def test_a_wrong_definition_is_named(tmp_path, definition):
    types = standard_types()
    del types.fielddefs["sensor_msgs/msg/Image"]
    types.register(get_types_from_msg(definition, "sensor_msgs/msg/Image"))
    with BagRecorder(tmp_path / "bag", types=types) as bag:
        fields = {"header": bag.header(5), "height": 1, "width": 1, "is_bigendian": 0, "step": 1}
        fields |= {"encoding": "mono8"} if "encoding" in definition else {}
        data = np.zeros(1, np.float64 if "float64" in definition else np.uint8)
        image = types.types["sensor_msgs/msg/Image"](**fields, data=data)
        bag.add("/camera", "sensor_msgs/msg/Image", 5, image)
        bag.sound("/audio", 5)
    with pytest.raises(ValueError, match="definition of sensor_msgs/msg/Image.*(encoding|data)"):
        list(BagSource(tmp_path / "bag"))
