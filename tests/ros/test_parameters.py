"""The table of parameters as ROS sees it."""

from dataclasses import asdict, fields
from pathlib import Path

import pytest
import rclpy
import yaml
from rcl_interfaces.srv import SetParameters
from rclpy.exceptions import ParameterException
from rclpy.node import Node
from rclpy.parameter import Parameter

from c3n_ros.parameters import INACTIVE, LIVE, UNCONFIGURED, declare_parameters, with_changes
from c3n_ros.segmentation.segmentation_parameters import SegmentationParameters

SHIPPED = Path(__file__).resolve().parents[2] / "config/segment.yaml"


def node_with(**values):
    return Node("probe", parameter_overrides=[Parameter(name, value=value) for name, value in values.items()])


def test_shipped_file_has_the_defaults(ros):
    shipped = yaml.safe_load(SHIPPED.read_text())["/**"]["ros__parameters"]
    assert (
        shipped == asdict(SegmentationParameters()) == asdict(declare_parameters(node_with(), SegmentationParameters))
    )


def test_every_parameter_is_described(ros):
    node = node_with()
    declare_parameters(node, SegmentationParameters)
    for entry in fields(SegmentationParameters):
        assert len(node.describe_parameter(entry.name).description) > 15, entry.name


def test_start_values_reach_the_dataclass(ros):
    parameters = declare_parameters(
        node_with(threshold=0.25, audio_sample_rate=48_000, audio_channels=2), SegmentationParameters
    )
    assert parameters.threshold == 0.25
    assert (parameters.audio_format.sample_rate, parameters.audio_format.channels) == (48_000, 2)


@pytest.mark.parametrize(
    "name, value",
    [("threshold", 1.5), ("mask_mode", "rainbow"), ("device", "gpu"), ("audio_channels", 0), ("threshold", "high")],
)
def test_wrong_start_values_are_refused(ros, name, value):
    with pytest.raises((ValueError, ParameterException), match=name):
        declare_parameters(node_with(**{name: value}), SegmentationParameters)


@pytest.mark.parametrize("distribution", ["humble", "later"])
def test_whole_numbers_are_accepted_for_floats_at_the_start_and_later(ros, monkeypatch, distribution):
    if distribution == "humble":
        monkeypatch.delattr(Node, "add_pre_set_parameters_callback", raising=False)
    node = node_with(hop_s=1, max_wait_s=2)
    parameters = declare_parameters(node, SegmentationParameters)
    assert (parameters.hop_s, parameters.max_wait_s) == (1.0, 2.0) and isinstance(parameters.hop_s, float)
    assert node.get_parameter("hop_s").type_ == Parameter.Type.DOUBLE
    assert node.set_parameters([Parameter("max_wait_s", value=3)])[0].successful
    assert node.get_parameter("max_wait_s").value == 3.0
    assert not node.set_parameters([Parameter("max_wait_s", value=9)])[0].successful, "beyond its range"
    assert not node.set_parameters([Parameter("history", value=1.5)])[0].successful, "not a whole number"
    assert set_by_service(node, "max_wait_s", 1).successful
    assert node.get_parameter("max_wait_s").value == 1.0 and isinstance(node.get_parameter("max_wait_s").value, float)
    assert not set_by_service(node, "max_wait_s", 9).successful
    assert not set_by_service(node, "mask_mode", 1).successful, "text is not a number"


def set_by_service(node, name: str, value):
    """Set a parameter as `ros2 param set` does; return the result."""
    client = node.create_client(SetParameters, f"{node.get_fully_qualified_name()}/set_parameters")
    assert client.wait_for_service(10)
    request = SetParameters.Request(parameters=[Parameter(name, value=value).to_parameter_msg()])
    future = client.call_async(request)
    rclpy.spin_until_future_complete(node, future, timeout_sec=20)
    return future.result().results[0]


def test_a_whole_number_out_of_range_is_refused_at_the_start(ros):
    with pytest.raises((ValueError, ParameterException), match="threshold"):
        declare_parameters(node_with(threshold=1), SegmentationParameters)


def test_changes_hold_all_or_none():
    before = SegmentationParameters()
    after = with_changes(before, [Parameter("threshold", value=0.7), Parameter("use_sim_time", value=True)])
    assert after.threshold == 0.7 and before.threshold == 0.5
    with pytest.raises(ValueError, match="mask_mode.*binary255.*'x'"):
        with_changes(before, [Parameter("threshold", value=0.7), Parameter("mask_mode", value="x")])


def test_what_may_change_depends_on_the_state():
    before, model, device = (
        SegmentationParameters(),
        [Parameter("model", value="demo")],
        [Parameter("device", value="cpu")],
    )
    for state, change in ((LIVE, model), (LIVE, device), (INACTIVE, model)):
        with pytest.raises(ValueError, match="deactivate"):
            with_changes(before, change, state)
    assert with_changes(before, device, INACTIVE).device == "cpu"
    assert with_changes(before, model, UNCONFIGURED).model == "demo"
    assert with_changes(before, [Parameter("model", value="zero_shot")], LIVE) == before, "no change is none"


@pytest.mark.parametrize("name, value", [("hop_s", 0.3), ("audio_sample_format", "X16"), ("image_transport", "theora")])
def test_invalid_values_are_refused_with_a_reason(name, value):
    with pytest.raises(ValueError, match="0.125|sample_format|image_transport"):
        with_changes(SegmentationParameters(), [Parameter(name, value=value)], UNCONFIGURED)


def test_ros_itself_holds_the_ranges(ros):
    node = node_with()
    declare_parameters(node, SegmentationParameters)
    assert node.set_parameters([Parameter("threshold", value=0.75)])[0].successful
    for name, value in (
        ("autostart", False),
        ("threshold", 2.0),
        ("threshold", "high"),
        ("hop_s", 0.05),
        ("history", -1),
    ):
        result = node.set_parameters([Parameter(name, value=value)])[0]
        assert not result.successful and result.reason
