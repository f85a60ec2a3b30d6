"""Playing and recording bags, each in a process of its own."""

import signal
import time

import numpy as np
import pytest
from rosbags.rosbag2 import Reader, StoragePlugin, Writer
from std_msgs.msg import Header

from c3n_model.sources.bag_storage import open_bag
from c3n_ros.messages.message_types import message_class
from c3n_ros.rig.bag_definitions import installed_types
from c3n_ros.rig.recorder_node import RecorderNode

IMAGE, SOUND, INFO = (
    "sensor_msgs/msg/Image",
    "audio_common_msgs/msg/AudioDataStamped",
    "audio_common_msgs/msg/AudioInfo",
)
OBJECTS = "c3n_ros/msg/SoundingObjects"


def write_bag(path, storage):
    """Two seconds: an AudioInfo, ten images, and sound of a type that only we have."""
    store = installed_types([IMAGE, SOUND, INFO])
    header = store.types["std_msgs/msg/Header"](
        stamp=store.types["builtin_interfaces/msg/Time"](0, 0), frame_id="camera"
    )
    image = store.types[IMAGE](
        header=header, height=2, width=2, encoding="rgb8", is_bigendian=0, step=6, data=np.arange(12, dtype=np.uint8)
    )
    info = store.types[INFO](channels=1, sample_rate=16_000, sample_format="S16LE", bitrate=0, coding_format="wave")
    with Writer(path, version=8, storage_plugin=storage) as writer:
        infos = writer.add_connection("/audio/audio_info", INFO, typestore=store)
        images = writer.add_connection("/camera/image_raw", IMAGE, typestore=store)
        writer.write(infos, 0, store.serialize_cdr(info, INFO))
        for tenth in range(10):
            writer.write(images, tenth * 200_000_000, store.serialize_cdr(image, IMAGE))
    return path


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_a_bag_played_and_recorded_has_the_same_bytes(tmp_path, start_process, storage):
    original = write_bag(tmp_path / "original", StoragePlugin[storage.upper()])
    topics = f"['/camera/image_raw:{IMAGE}', '/audio/audio_info:{INFO}']"
    recorder = start_process(
        "recorder_node",
        "--ros-args",
        "-p",
        f"output:={tmp_path / 'copy'}",
        "-p",
        f"topics:={topics}",
        "-p",
        f"storage:={storage}",
    )
    assert "recording" in recorder.stdout.readline()
    player = start_process("playback_node", "--ros-args", "-p", f"bag:={original}", "-p", "rate:=4.0")
    output, _ = player.communicate(timeout=60)
    assert player.returncode == 0 and "played 11 messages of 2 topics" in output
    recorder.send_signal(signal.SIGTERM)
    output, _ = recorder.communicate(timeout=60)
    assert recorder.returncode == 0 and "Traceback" not in output, output
    with Reader(original) as before, Reader(tmp_path / "copy") as after:
        sent = sorted((connection.topic, bytes(content)) for connection, _, content in before.messages())
        received = sorted((connection.topic, bytes(content)) for connection, _, content in after.messages())
        times = [stamp for connection, stamp, _ in after.messages() if connection.topic == "/camera/image_raw"]
    assert len(received) == len(sent)
    for (topic, original_bytes), (received_topic, received_bytes) in zip(sent, received):
        assert topic == received_topic and received_bytes.startswith(original_bytes)
        assert received_bytes[len(original_bytes) :] in (b"", b"\0", b"\0\0", b"\0\0\0"), (
            "DDS pads to four bytes, no more"
        )
    assert (times[-1] - times[0]) / 1e9 < 1.8, "four times as fast as recorded, with room for a busy machine"


@pytest.mark.parametrize(
    "arguments, said",
    [
        ((), "bag:=FOLDER"),
        (("-p", "bag:=/no/such/bag"), "no such bag: /no/such/bag"),
        (("-p", "rate:=0.0"), "expected a rate above 0"),
    ],
)
def test_player_logs_errors_in_one_line(start_process, arguments, said):
    process = start_process("playback_node", "--ros-args", *arguments)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1 and said in output and len(output.splitlines()) == 1


def test_player_fails_where_not_one_message_is_played(tmp_path, start_process):
    store = installed_types([IMAGE])
    with Writer(tmp_path / "empty", version=8) as writer:
        writer.add_connection("/camera/image_raw", IMAGE, typestore=store)
    arguments = ("-p", f"bag:={tmp_path / 'empty'}", "-p", "wait_timeout_s:=0.0")
    process = start_process("playback_node", "--ros-args", *arguments)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1 and "got 0" in output, output


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_a_killed_recorder_leaves_all_that_is_older_than_a_second(tmp_path, start_process, ros, storage):
    arguments = ("-p", f"output:={tmp_path / 'bag'}", "-p", "topics:=['/a:std_msgs/msg/Header']")
    recorder = start_process("recorder_node", "--ros-args", *arguments, "-p", f"storage:={storage}")
    assert "recording" in recorder.stdout.readline()
    node = ros.create_node("publisher")
    publisher = node.create_publisher(Header, "/a", 10)
    deadline = time.monotonic() + 20
    while not publisher.get_subscription_count() and time.monotonic() < deadline:
        time.sleep(0.05)
    begin_ns = time.time_ns()
    while time.time_ns() < begin_ns + 3_000_000_000:
        publisher.publish(Header())
        time.sleep(0.02)
    recorder.send_signal(signal.SIGKILL)
    killed_ns = time.time_ns()
    recorder.communicate(timeout=60)
    with open_bag(tmp_path / "bag") as reader:
        times = [log_ns for _, log_ns, _ in reader.messages(reader.connections)]
    assert len(times) > 40 and times[0] < begin_ns + 500_000_000 and times[-1] > killed_ns - 1_000_000_000
    assert max(later - earlier for earlier, later in zip(times, times[1:])) < 500_000_000, "nothing is missing between"
    node.destroy_node()


@pytest.mark.parametrize(
    "arguments, said",
    [
        ((), "topics:="),
        (("-p", "topics:=['/a:sensor_msgs/msg/Imag']"), "no definition of sensor_msgs/msg/Imag"),
        (("-p", "topics:=['/a']"), "expected a topic with its type"),
    ],
)
def test_recorder_logs_errors_in_one_line(tmp_path, start_process, arguments, said):
    process = start_process("recorder_node", "--ros-args", "-p", f"output:={tmp_path / 'bag'}", *arguments)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1 and said in output and len(output.splitlines()) == 1


def test_recorder_continues_after_an_unwritable_message_and_reports_it(ros, tmp_path, monkeypatch, capfd):
    ros.shutdown()
    topics = "topics:=['/a:std_msgs/msg/Header']"
    ros.init(args=["--ros-args", "-p", f"output:={tmp_path / 'bag'}", "-p", topics])
    recorder, write = RecorderNode(), Writer.write
    publisher = recorder.create_publisher(Header, "/a", 10)
    for written in (False, True):
        monkeypatch.setattr(Writer, "write", write if written else lambda *arguments: 1 / 0)
        publisher.publish(Header())
        deadline = time.monotonic() + 10
        while not (recorder._counts["/a"] if written else recorder.guard.failures) and time.monotonic() < deadline:
            ros.spin_once(recorder, timeout_sec=0.1)
    assert recorder._counts == {"/a": 1} and not recorder.close()
    assert "of /a, the last one because of: ZeroDivisionError" in capfd.readouterr().err
    recorder.destroy_node()


def test_definitions_include_nested_types():
    store = installed_types([OBJECTS])
    assert {"c3n_ros/msg/SoundingObject", "std_msgs/msg/Header", "builtin_interfaces/msg/Time"} <= set(store.types)
    assert message_class(OBJECTS).__name__ == "SoundingObjects"
    with pytest.raises(ValueError, match="install the package"):
        message_class("no_such_msgs/msg/Thing")
    with pytest.raises(ValueError, match="sensor_msgs/msg/Image"):
        message_class("Image")
