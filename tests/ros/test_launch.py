"""The launch files: they compile everywhere; where ROS 2's launch is installed their arguments are described."""

from pathlib import Path

import pytest

LAUNCH_FOLDER = Path(__file__).resolve().parents[2] / "launch"
ARGUMENTS = {
    "segment.launch.py": {
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
    },
    "follow_sound.launch.py": {
        "params_file",
        "namespace",
        "use_sim_time",
        "log_level",
        "objects_topic",
        "odom_topic",
        "cmd_vel_topic",
        "goal_topic",
        "mode",
        "stamped",
        "odometry",
        "search",
    },
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_launch_file_compiles(name):
    path = LAUNCH_FOLDER / name
    compile(path.read_text(encoding="utf-8"), path, "exec")


@pytest.mark.launch
@pytest.mark.parametrize("name", ARGUMENTS)
def test_every_argument_is_described(name):
    pytest.importorskip("launch_ros", reason="launch and launch_ros are not on the package index")
    launch = pytest.importorskip("launch")
    sources = pytest.importorskip("launch.launch_description_sources")
    source = sources.PythonLaunchDescriptionSource(str(LAUNCH_FOLDER / name))
    description = source.get_launch_description(launch.LaunchContext())
    described = {argument.name: argument.description for argument in description.get_launch_arguments()}
    assert set(described) == ARGUMENTS[name] and all(len(text) > 15 for text in described.values())
