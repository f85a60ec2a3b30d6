"""Misspelt parameters, and files for other nodes: named, with the nearest name."""

import pytest
from rclpy.node import Node
from rclpy.parameter import Parameter

from c3n_ros.health.ros_parameter_check import parameter_files, section_matches, section_names, unused_parameters
from c3n_ros.parameters import declare_parameters
from c3n_ros.segmentation.segmentation_parameters import SegmentationParameters


def checked(arguments=(), **values):
    node = Node("segmentation", parameter_overrides=[Parameter(name, value=value) for name, value in values.items()])
    declare_parameters(node, SegmentationParameters)
    return unused_parameters(node, list(arguments))


def test_known_parameters_are_not_reported(ros):
    assert checked(threshold=0.4, use_sim_time=True, **{"qos_overrides./a.subscription.depth": 3}) == ""


def test_a_misspelt_parameter_is_reported_with_the_nearest_name(ros):
    text = checked(treshold=0.9, audio_chanels=2)
    assert "treshold is not used (nearest: threshold)" in text and "(nearest: audio_channels)" in text
    assert "\n" not in text and "ros2 param list /segmentation" in text


@pytest.mark.parametrize("section", ["segmentaton", "/robot/segmentation", "follow_sound"])
def test_a_file_for_other_nodes_only_is_reported(ros, tmp_path, section):
    path = tmp_path / "params.yaml"
    path.write_text(f"{section}:\n  ros__parameters:\n    threshold: 0.9\n")
    text = checked(["node", "--ros-args", "--params-file", str(path)])
    assert str(path) in text and "/segmentation" in text
    assert (f"nearest: /{section.strip('/')}" in text) == (section != "follow_sound")


@pytest.mark.parametrize("section", ["segmentation", "/segmentation", "/**", "/*"])
def test_a_file_with_a_section_for_the_node_is_not_reported(ros, tmp_path, section):
    path = tmp_path / "params.yaml"
    path.write_text(f"other:\n  ros__parameters: {{a: 1}}\n{section}:\n  ros__parameters:\n    threshold: 0.9\n")
    assert checked(["--params-file", str(path)]) == ""


@pytest.mark.parametrize(
    "section, node, matches",
    [
        ("/**", "/a/b/segmentation", True),
        ("/**/segmentation", "/segmentation", True),
        ("/*", "/a/b", False),
        ("/*/segmentation", "/robot/segmentation", True),
        ("/segmentation", "/segmentation2", False),
    ],
)
def test_wildcards_match_as_in_rcl(section, node, matches):
    assert section_matches(section, node) == matches


def test_sections_may_be_nested():
    content = {"robot": {"segmentation": {"ros__parameters": {"a": {"b": 1}}}}, "/**": {"ros__parameters": {}}}
    assert list(section_names(content)) == ["/robot/segmentation", "/**"]
    assert list(section_names([])) == []
    assert [str(path) for path in parameter_files(["n", "--params-file", "a", "-p", "b:=1", "--params-file", "c"])] == [
        "a",
        "c",
    ]
