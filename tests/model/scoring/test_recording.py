"""Reading the messages of a node back from bags written with the definitions in msg/."""

import sqlite3
from math import nan
from types import SimpleNamespace

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_types_from_msg

from c3n_model.scoring.recording import (
    MASK_TOPIC,
    OBJECTS_TOPIC,
    own_definitions,
    read_recording,
    segmentation_from_messages,
)
from c3n_model.sources.bag_types import AUDIO_TYPE, IMAGE_TYPE, UNSTAMPED_AUDIO_TYPE, standard_types
from c3n_model.types import UnifiedLabel

LEFT = np.array([[1, 0], [1, 0]], bool)
SECOND = 1_000_000_000
OBJECTS_TYPE = "c3n_ros/msg/SoundingObjects"


def types():
    store = standard_types()
    for name, text in own_definitions().items():
        store.register(get_types_from_msg(text, name))
    return store


def record(path, seconds=(3, 4), microphone=True, objects=True, storage=StoragePlugin.MCAP):
    """Write a mask and its objects for each second, published 50 ms after the second's last sound."""
    store = types()
    default = {"string": "", "bool": False}

    def new(name, **fields):
        for field, kind in store.fielddefs[name][1]:
            if field not in fields:
                inner = kind[1]
                fields[field] = (
                    [] if isinstance(inner, tuple) and kind[0].name == "SEQUENCE" else default.get(inner[0], 0)
                )
        return store.types[name](**fields)

    def time(stamp_ns):
        return new("builtin_interfaces/msg/Time", sec=stamp_ns // SECOND, nanosec=stamp_ns % SECOND)

    def header(stamp_ns):
        return new("std_msgs/msg/Header", stamp=time(stamp_ns), frame_id="camera")

    with Writer(path, version=8, storage_plugin=storage) as writer:
        kinds = {MASK_TOPIC: IMAGE_TYPE}
        kinds |= {OBJECTS_TOPIC: OBJECTS_TYPE} if objects else {}
        kinds |= {"/audio/audio_stamped": AUDIO_TYPE} if microphone else {}
        topics = {topic: writer.add_connection(topic, kind, typestore=store) for topic, kind in kinds.items()}

        def write(topic, log_ns, message):
            if topic in topics:
                writer.write(topics[topic], log_ns, store.serialize_cdr(message, kinds[topic]))

        for second in seconds:
            for tenth in range(10):
                stamp_ns = second * SECOND + tenth * SECOND // 10
                audio = new(UNSTAMPED_AUDIO_TYPE, data=np.zeros(3200, np.uint8))
                write(
                    "/audio/audio_stamped",
                    stamp_ns + SECOND // 10,
                    new(AUDIO_TYPE, header=header(stamp_ns), audio=audio),
                )
            seen_ns, published_ns = second * SECOND + 937_500_000, (second + 1) * SECOND + 50_000_000
            pixels = LEFT.astype(np.uint8).reshape(-1) * 255
            image = new(IMAGE_TYPE, header=header(seen_ns), height=2, width=2, encoding="mono8", step=2, data=pixels)
            write(MASK_TOPIC, published_ns, image)
            said = new(OBJECTS_TYPE, header=header(seen_ns), window_start=time(second * SECOND), visual_label="drum")
            said.dropped_windows = second
            write(OBJECTS_TOPIC, published_ns + 1, said)
    return path


@pytest.mark.parametrize("storage", [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
def test_windows_of_a_recording(tmp_path, storage):
    path = record(tmp_path / "bag", storage=storage)
    if storage == StoragePlugin.SQLITE3:  # as a recorder of Humble leaves it
        (file,) = path.glob("*.db3")
        with sqlite3.connect(file) as database:
            database.execute("DELETE FROM message_definitions")
        database.close()
    live = read_recording(path)
    assert [window.segmentation.stamp_ns for window in live] == [3_937_500_000, 4_937_500_000]
    assert [window.segmentation.window_start_ns for window in live] == [3 * SECOND, 4 * SECOND]
    assert [window.latency_s for window in live] == pytest.approx([0.05, 0.05])
    assert [window.dropped_windows for window in live] == [3, 4]
    np.testing.assert_array_equal(live[0].segmentation.mask, LEFT)
    assert live[0].segmentation.label.visual == "drum"


def test_without_the_microphone_latency_is_unknown(tmp_path):
    path = record(tmp_path / "bag", microphone=False)
    assert [window.latency_s for window in read_recording(path)] == [None, None]
    with pytest.raises(ValueError, match="/audio/audio_stamped; record"):
        read_recording(path, "/audio/audio_stamped")


def test_missing_topics_of_a_recording_are_named(tmp_path):
    with pytest.raises(ValueError, match="/sounding_object/objects; record"):
        read_recording(record(tmp_path / "bag", objects=False))
    with pytest.raises(ValueError, match="0 windows"):
        read_recording(record(tmp_path / "empty", seconds=()))
    with pytest.raises(FileNotFoundError):
        read_recording(tmp_path / "nothing")


def test_messages_are_converted_back():
    region = SimpleNamespace(
        label="drum", score=0.5, x=0, y=0, width=1, height=2, centroid_x=0.0, centroid_y=0.5, area=2,
        bearing=0.25, elevation=-0.5, half_width=0.125, position=SimpleNamespace(x=nan, y=nan, z=nan),
        position_covariance=[nan] * 9,
    )  # fmt: skip
    message = SimpleNamespace(
        header=SimpleNamespace(stamp=SimpleNamespace(sec=3, nanosec=937), frame_id="camera"),
        window_start=SimpleNamespace(sec=3, nanosec=0), heard=0.75, audible=True, presence_score=0.9, loudness_dbfs=-20.0,
        audio_label="low drum", audio_score=0.8, visual_label="drum", visual_score=0.7, similarity=1.0, consensus=0.6,
        objects=[region],
    )  # fmt: skip
    back = segmentation_from_messages(LEFT, message)
    assert (back.window_start_ns, back.stamp_ns, back.frame_id) == (3_000_000_000, 3_000_000_937, "camera")
    assert back.label == UnifiedLabel("low drum", "drum", 0.8, 0.7, 1.0, 0.6)
    (found,) = back.objects
    assert found.id == 0  # a bag from before objects had one
    region.id = 7
    assert segmentation_from_messages(LEFT, message).objects[0].id == 7
    assert (found.box, found.bearing, found.elevation) == ((0, 0, 1, 2), 0.25, -0.5)
    assert found.position is None, "there was no depth"
    assert back.heard == 0.75
    assert back.presence.audible and back.presence.visible, "a bag of before there was the field"
    message.visible = False
    assert not segmentation_from_messages(LEFT, message).presence.visible
