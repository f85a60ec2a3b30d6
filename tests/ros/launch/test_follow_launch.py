"""The launch file of the node that follows a sound."""

from pathlib import Path

import pytest
from launch_commands import commands_started, parameters_in

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


@pytest.mark.launch
@pytest.mark.parametrize(
    "name, text, value",
    [
        ("search", "true", True),
        ("search", "false", False),
        ("stamped", "true", True),
        ("odometry", "true", True),
        ("mode", "nav2", "nav2"),
        ("use_sim_time", "true", True),
    ],
)
def test_an_argument_overrides_the_file_with_its_type(name, text, value, monkeypatch):
    (command,) = commands_started(PATH, monkeypatch, **{name: text})
    assert Path(command[0]).name == "follow_sound_node"
    parameters = parameters_in(command)
    assert parameters[name] == value and isinstance(parameters[name], type(value))


@pytest.mark.launch
def test_topics_namespace_and_log_level_reach_the_node(monkeypatch):
    topics = {"objects_topic": "/what", "odom_topic": "/where", "cmd_vel_topic": "/base/cmd_vel", "goal_topic": "/goal"}
    (command,) = commands_started(PATH, monkeypatch, **topics, namespace="robot", log_level="debug")
    for pair in ("sounding_object/objects:=/what", "odom:=/where", "cmd_vel:=/base/cmd_vel", "goal_pose:=/goal"):
        assert pair in command
    assert "__ns:=/robot" in command and "debug" in command
