"""The launch file of the node that follows a sound."""

from pathlib import Path

import pytest

PATH = Path(__file__).resolve().parents[3] / "launch/follow_sound.launch.py"
ARGUMENTS = {
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
}


def test_it_compiles():
    compile(PATH.read_text(encoding="utf-8"), PATH, "exec")


@pytest.mark.launch
def test_every_argument_is_described():
    pytest.importorskip("launch_ros", reason="launch and launch_ros are not on the package index")
    launch = pytest.importorskip("launch")
    sources = pytest.importorskip("launch.launch_description_sources")
    description = sources.PythonLaunchDescriptionSource(str(PATH)).get_launch_description(launch.LaunchContext())
    described = {argument.name: argument.description for argument in description.get_launch_arguments()}
    assert set(described) == ARGUMENTS and all(len(text) > 15 for text in described.values())
