"""The sample launch: what it starts with which arguments, and with a video in the place of the devices, masks."""

import os
import re
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from launch_commands import commands_started, parameters_in
from scene_video import write_scene_video

from c3n_ros.topics import INPUTS

ROOT = Path(__file__).resolve().parents[3]
PATH = ROOT / "launch/robot.launch.py"
PRESETS = sorted((ROOT / "config/presets").glob("*.yaml"))


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_presets_set_arguments_that_the_launch_file_has(path):
    text = PATH.read_text(encoding="utf-8")
    # Of those with another default than "" a preset would win over an argument that gives the default.
    known = set(re.findall(r'^    "(\w+)": (?:"|\(""|\(\n +"")', text, re.M))
    preset = path.read_text(encoding="utf-8")
    values = yaml.safe_load(preset)
    assert values and set(values) <= known
    comment = preset.replace("\n#", "")
    assert re.search(r"Checked against: [\w-]+/\w+.*\b[0-9a-f]{7,8}\b", comment), (
        "the driver's repository and its version"
    )
    topics = {f"{name.rpartition('/')[2]}_topic" for name in INPUTS}
    for name, value in values.items():
        assert isinstance(value, str) and (not name.endswith("_topic") or value.startswith("/")), topics


def started(monkeypatch, **arguments):
    """Name of the executable -> its command."""
    return {Path(command[0]).name: command for command in commands_started(PATH, monkeypatch, **arguments)}


@pytest.mark.launch
def test_without_arguments_our_camera_and_microphone_are_started(monkeypatch):
    environments = []
    commands = {Path(command[0]).name: command for command in commands_started(PATH, monkeypatch, environments)}
    assert set(commands) == {"segmentation_node", "camera_node", "microphone_node"}
    assert "camera/image_raw:=/camera/image_raw" in commands["camera_node"]
    assert "camera/image_raw:=/camera/image_raw" in commands["segmentation_node"]
    assert "audio/audio_stamped:=/audio/audio_stamped" in commands["microphone_node"]
    assert parameters_in(commands["camera_node"])["camera"] == "/dev/video0"
    # Sender and receiver of large images need the profile.
    assert all(one["FASTRTPS_DEFAULT_PROFILES_FILE"].endswith("large_images.xml") for one in environments)


@pytest.mark.launch
@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_a_preset_names_topics_of_a_driver_that_runs(path, monkeypatch):
    preset = yaml.safe_load(path.read_text(encoding="utf-8"))
    commands = started(monkeypatch, preset=path.stem)
    for name, topic in preset.items():
        if name.endswith("_topic"):
            assert any(word.endswith(f":={topic}") for word in commands["segmentation_node"])
    assert ("camera_node" in commands) == ("image_topic" not in preset)
    if path.stem == "respeaker":
        assert parameters_in(commands["microphone_node"])["channels"] == 6
        assert str(parameters_in(commands["segmentation_node"])["audio_use_channels"]) == "0"


@pytest.mark.launch
def test_an_argument_wins_over_the_preset(monkeypatch):
    arguments = {"image_topic": "/mine", "model": "demo", "microphone_channels": "1", "compare_motion": "true"}
    commands = started(monkeypatch, preset="realsense,respeaker", **arguments)
    assert "camera/image_raw:=/mine" in commands["segmentation_node"]
    assert parameters_in(commands["microphone_node"])["channels"] == 1
    values = parameters_in(commands["segmentation_node"])
    assert values["model"] == "demo" and values["compare_motion"] is True
    assert set(commands) == {"segmentation_node", "microphone_node"}


@pytest.mark.launch
def test_masks_of_a_video(tmp_path, start_process, ros):
    """`ros2 launch`, as a user runs it, until masks of the video arrive."""
    pytest.importorskip("launch_ros", reason="launch and launch_ros are not on the package index")
    pytest.importorskip("ros2launch", reason="ros2launch is not on the package index")
    from c3n_ros.msg import SoundingObjects

    video = write_scene_video(tmp_path / "clip.mp4", seconds=6)
    node = ros.create_node("viewer")
    found = []
    node.create_subscription(SoundingObjects, "sounding_object/objects", found.append, 10)
    process = subprocess.Popen(
        ["ros2", "launch", str(PATH), f"video:={video}", "model:=demo", "device:=cpu"],
        env=os.environ, start_new_session=True,
    )  # fmt: skip
    try:
        end_s = time.monotonic() + 180
        while not any(message.objects for message in found):
            ros.spin_once(node, timeout_sec=0.5)
            assert time.monotonic() < end_s and process.poll() is None
        with_object = next(message for message in found if message.objects)
        assert with_object.reason == "sounding" and with_object.header.frame_id == "camera_optical_frame"
        assert abs(with_object.objects[0].bearing) < 0.6  # 60 degrees are seen
    finally:
        os.killpg(process.pid, 2)
        process.wait(timeout=60)
