"""What a launch file starts, where ROS 2's launch is installed."""

import os
from pathlib import Path

import pytest


def commands_started(path, monkeypatch, environments=None, **arguments):
    """Return the command line of every process that a launch file would start; nothing is started.

    Their environments are appended to `environments`.
    """
    launch = pytest.importorskip("launch", reason="launch and launch_ros are not on the package index")
    pytest.importorskip("launch_ros", reason="launch and launch_ros are not on the package index")
    pytest.importorskip("launch_xml", reason="launch and launch_ros are not on the package index")
    from launch.actions import ExecuteLocal, IncludeLaunchDescription
    from launch.launch_description_sources import AnyLaunchDescriptionSource

    started = []

    def note(action, context):
        action.prepare(context)
        started.append(list(action.process_details["cmd"]))
        if environments is not None:
            environments.append(dict(action.process_details["env"] or os.environ))

    monkeypatch.setattr(ExecuteLocal, "execute", note)
    service = launch.LaunchService(noninteractive=True)
    include = IncludeLaunchDescription(AnyLaunchDescriptionSource(str(path)), launch_arguments=list(arguments.items()))
    service.include_launch_description(launch.LaunchDescription([include]))
    assert service.run() == 0
    return started


def parameters_in(command):
    """Return the parameters of a command line; later files override earlier ones, as in rcl."""
    yaml = pytest.importorskip("yaml")
    values = {}
    for flag, word in zip(command, command[1:]):
        if flag == "--params-file":
            for content in yaml.safe_load(Path(word).read_text(encoding="utf-8")).values():
                values |= content["ros__parameters"]
        elif flag == "-p":
            name, _, text = word.partition(":=")
            values[name] = yaml.safe_load(text)
    return values
