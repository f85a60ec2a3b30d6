"""The launch file: it compiles everywhere; where ROS 2's launch is installed its arguments are described."""

from pathlib import Path

import pytest

LAUNCH_FILE = Path(__file__).resolve().parents[2] / "launch/segment.launch.py"
ARGUMENTS = {
    "params_file",
    "namespace",
    "use_sim_time",
    "log_level",
    "image_topic",
    "audio_topic",
    "audio_info_topic",
    "model",
    "device",
    "respawn",
}


def test_launch_file_compiles():
    compile(LAUNCH_FILE.read_text(encoding="utf-8"), LAUNCH_FILE, "exec")


@pytest.mark.launch
def test_every_argument_is_described():
    pytest.importorskip("launch_ros", reason="launch and launch_ros are not on the package index")
    launch = pytest.importorskip("launch")
    sources = pytest.importorskip("launch.launch_description_sources")
    source = sources.PythonLaunchDescriptionSource(str(LAUNCH_FILE))
    description = source.get_launch_description(launch.LaunchContext())
    described = {argument.name: argument.description for argument in description.get_launch_arguments()}
    assert set(described) == ARGUMENTS and all(len(text) > 15 for text in described.values())
