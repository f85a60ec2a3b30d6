"""The launch files: what can be said without ROS 2's launch, and where it is installed what they start."""

import ast
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from launch_commands import commands_started, parameters_in

from c3n_ros.topics import INPUTS

LAUNCH = Path(__file__).resolve().parents[3] / "launch"
FILES = [LAUNCH / "segment.launch.py", LAUNCH / "segment.launch.xml"]
OPTIONAL = {"model": "demo", "device": "cpu", "hop_s": "2", "image_transport": "compressed", "autostart": "false",
            "auto_download": "false", "classes": "dog; Speech", "compare_motion": "true", "max_sources": "2"}  # fmt: skip


def arguments_of_the_python_file():
    """Name -> (default, description); the default of params_file is a substitution and comes as None."""
    tree = ast.parse(FILES[0].read_text(encoding="utf-8"))
    (table,) = (node.value for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "ARGUMENTS")
    return {
        name.value: (getattr(default, "value", None), text.value)
        for name, default, text in (entry.elts for entry in table.elts)
    }


def test_both_files_have_the_same_described_arguments():
    root = ElementTree.parse(FILES[1]).getroot()
    in_xml = {entry.get("name"): (entry.get("default"), entry.get("description")) for entry in root.iter("arg")}
    in_python = arguments_of_the_python_file()
    assert in_xml.pop("params_file") == (
        "$(find-pkg-share c3n_ros)/config/segment.yaml",
        in_python.pop("params_file")[1],
    )
    assert in_xml == in_python and list(in_xml) == list(in_python)
    assert all(len(text) > 15 for _, text in in_python.values())


def test_both_files_remap_every_input():
    in_python = set(re.findall(r'\("((?:camera|audio)/[\w/]+)",', FILES[0].read_text(encoding="utf-8")))
    in_xml = {entry.get("from") for entry in ElementTree.parse(FILES[1]).getroot().iter("remap")}
    assert in_python == in_xml == set(INPUTS)


def test_the_shipped_parameters_are_the_default_file():
    assert (LAUNCH.parent / "config/segment.yaml").exists()


@pytest.mark.launch
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_arguments_not_given_are_as_in_the_parameter_file(path, monkeypatch):
    (command,) = commands_started(path, monkeypatch)
    assert Path(command[0]).name == "segmentation_node" and "__node:=segmentation" in command
    values = parameters_in(command)
    assert values["model"] == "zero_shot" and values["device"] == "auto" and values["use_sim_time"] is False
    assert "camera/image_raw:=/camera/image_raw" in command


@pytest.mark.launch
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_arguments_win_over_the_file_with_the_right_types(path, monkeypatch):
    (command,) = commands_started(path, monkeypatch, **OPTIONAL, image_topic="/front", namespace="robot")
    values = parameters_in(command)
    wanted = {"model": "demo", "device": "cpu", "hop_s": 2.0, "image_transport": "compressed", "autostart": False}
    wanted |= {"auto_download": False, "classes": "dog; Speech", "compare_motion": True, "max_sources": 2}
    assert {name: values[name] for name in wanted} == wanted and isinstance(values["hop_s"], float)
    assert "camera/image_raw/compressed:=/front/compressed" in command and "__ns:=/robot" in command


@pytest.mark.launch
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_microphone_only_where_asked_for(path, monkeypatch):
    try:
        commands = commands_started(path, monkeypatch, microphone="true", audio_topic="/ears")
    except Exception as error:  # launch's own: the executable is not built
        pytest.skip(f"no microphone_node in this workspace: {error}")
    names = {Path(command[0]).name: command for command in commands}
    assert set(names) == {"segmentation_node", "microphone_node"}
    assert all("audio/audio_stamped:=/ears" in command for command in names.values())


@pytest.mark.launch
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
@pytest.mark.parametrize(
    "profile, file", [("large_images", "/config/fastdds_large_images.xml"), ("/my.xml", "/my.xml"), ("", None)]
)
def test_a_profile_of_fast_dds_reaches_the_node(path, profile, file, monkeypatch):
    for variable in ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE"):
        monkeypatch.delenv(variable, raising=False)
    environments = []
    commands_started(path, monkeypatch, environments, dds_profile=profile)
    (environment,) = environments
    for variable in ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE"):
        assert (variable in environment) == (file is not None)
        assert file is None or (
            environment[variable].endswith(file) and (profile == "/my.xml" or Path(environment[variable]).is_file())
        )
