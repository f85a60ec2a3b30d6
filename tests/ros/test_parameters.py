"""The table of parameters as ROS sees it."""

from dataclasses import asdict, fields
from pathlib import Path

import pytest
import yaml
from rclpy.exceptions import ParameterException
from rclpy.node import Node
from rclpy.parameter import Parameter

from c3n_ros.parameters import SegmentationParameters, declare_parameters, with_changes

SHIPPED = Path(__file__).resolve().parents[2] / "config/segment.yaml"


def node_with(**values):
    return Node("probe", parameter_overrides=[Parameter(name, value=value) for name, value in values.items()])


def test_shipped_file_holds_the_defaults(ros):
    shipped = yaml.safe_load(SHIPPED.read_text())["/**"]["ros__parameters"]
    assert shipped == asdict(SegmentationParameters()) == asdict(declare_parameters(node_with()))


def test_every_parameter_is_described(ros):
    node = node_with()
    declare_parameters(node)
    for entry in fields(SegmentationParameters):
        assert len(node.describe_parameter(entry.name).description) > 15, entry.name


def test_start_values_reach_the_dataclass(ros):
    parameters = declare_parameters(node_with(threshold=0.25, audio_sample_rate=48_000, audio_channels=2))
    assert parameters.threshold == 0.25
    assert (parameters.audio_format.sample_rate, parameters.audio_format.channels) == (48_000, 2)


@pytest.mark.parametrize(
    "name, value",
    [("threshold", 1.5), ("mask_mode", "rainbow"), ("device", "gpu"), ("audio_channels", 0), ("threshold", "high")],
)
def test_wrong_start_values_are_refused(ros, name, value):
    with pytest.raises((ValueError, ParameterException), match=name):
        declare_parameters(node_with(**{name: value}))


def test_changes_hold_all_or_none():
    before = SegmentationParameters()
    after = with_changes(before, [Parameter("threshold", value=0.7), Parameter("use_sim_time", value=True)])
    assert after.threshold == 0.7 and before.threshold == 0.5
    with pytest.raises(ValueError, match="mask_mode: expected binary255|class_id, got 'x'"):
        with_changes(before, [Parameter("threshold", value=0.7), Parameter("mask_mode", value="x")])


def test_only_live_parameters_may_change(ros):
    node = node_with()
    declare_parameters(node)
    assert node.set_parameters([Parameter("threshold", value=0.75)])[0].successful
    for name, value in (("model", "other"), ("threshold", 2.0), ("threshold", "high")):
        result = node.set_parameters([Parameter(name, value=value)])[0]
        assert not result.successful and result.reason
