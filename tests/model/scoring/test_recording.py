"""Reading the messages of a node back from bags written with the definitions in msg/."""

import sqlite3
from math import nan
from types import SimpleNamespace

import numpy as np
import pytest
from live_recording import LEFT, record
from rosbags.rosbag2 import StoragePlugin

from c3n_model.scoring.recording import (
    read_recording,
    segmentation_from_messages,
)
from c3n_model.types import UnifiedLabel

SECOND = 1_000_000_000


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
