"""The examples with nodes as a stranger would run them: a process of its own, fed over DDS."""

import signal
import sys
import time
from pathlib import Path

import numpy as np
from scene_video import write_scene_video
from sensor_msgs.msg import Image

from c3n_ros.msg import SoundingObjects

SCRIPT = Path(__file__).resolve().parents[2] / "examples/subscribe_to_mask.py"


def mask_message(mask):
    height, width = mask.shape
    padded = np.pad(mask, ((0, 0), (0, 3)), constant_values=255)  # `step` may be longer than a row
    return Image(height=height, width=width, step=width + 3, encoding="mono8", data=padded.tobytes())


def wait_for(process, text):
    for line in process.stdout:
        if text in line:
            return line
    raise AssertionError(f"the example ended without {text!r}")


def test_the_subscriber_finds_the_object(ros, spin, start_process):
    node = spin(ros.create_node("camera"))
    publisher = node.create_publisher(Image, "/sounding_object/mask", 10)
    mask = np.zeros((40, 60), np.uint8)
    mask[10:21, 30:51] = 255  # centre (40, 15), 231 of 2400 pixels
    process = start_process(
        "", command=[sys.executable, str(SCRIPT), "--ros-args", "-r", "mask:=/sounding_object/mask"]
    )
    deadline = time.monotonic() + 30
    while publisher.get_subscription_count() == 0:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    timer = node.create_timer(0.2, lambda: publisher.publish(mask_message(mask)))
    line = wait_for(process, "sounds around")
    assert "(40, 15)" in line and "9.6%" in line
    timer.cancel()
    node.create_timer(0.2, lambda: publisher.publish(mask_message(np.zeros_like(mask))))
    wait_for(process, "nothing sounds")


def test_the_subscriber_needs_nothing_of_c3n():
    imports = [line for line in SCRIPT.read_text().splitlines() if line.startswith(("import", "from"))]
    assert not [line for line in imports if "c3n" in line]


def test_several_nodes_in_one_process(ros, spin, start_process, tmp_path):
    """examples/compose_nodes.py, with the embedded model: masks arrive, and Ctrl-C ends it."""
    video = write_scene_video(tmp_path / "clip.mp4", seconds=6)
    found, node = [], spin(ros.create_node("listener"))
    node.create_subscription(SoundingObjects, "sounding_object/objects", found.append, 10)
    process = start_process("", command=[sys.executable, str(SCRIPT.with_name("compose_nodes.py")), str(video), "demo"])
    deadline = time.monotonic() + 120
    while not any(message.objects for message in found):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    assert {"camera", "segmentation", "follow_sound"} <= set(node.get_node_names())
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0
