"""The segmentation node's parameters: one table, from which ROS learns names, types, descriptions, ranges and defaults.

Defaults are the library's own. What may change while the node runs is checked as a whole before any of it holds.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node
from rclpy.parameter import Parameter

from c3n_model.sources.messages import AudioFormat
from c3n_model.streaming.session import Session
from c3n_model.streaming.windows import WindowRules
from c3n_model.types import NANOSECONDS_PER_SECOND
from c3n_ros.conversions import MASK_VALUES


def _default_of(callable_: type, name: str) -> Any:
    return inspect.signature(callable_).parameters[name].default


def _parameter(
    default: Any,
    description: str,
    *,
    pattern: str = "",
    smallest: float | None = None,
    largest: float | None = None,
    live: bool = False,
) -> Any:
    """A field of the table: `pattern` is what a text must match, `live` whether it may change while the node runs."""
    return field(
        default=default,
        metadata={
            "description": description,
            "pattern": pattern,
            "smallest": smallest,
            "largest": largest,
            "live": live,
        },
    )


@dataclass(frozen=True)
class SegmentationParameters:
    """What the node was told; the field descriptions are what `ros2 param describe` shows."""

    model: str = _parameter(
        "zero_shot",
        "zero_shot (pretrained classifiers: c3n weights get zero_shot), demo (embedded, synthetic), or the path of a "
        "checkpoint or of a YAML file with the settings of zero_shot.",
    )
    device: str = _parameter(
        _default_of(Session, "device"),
        "Where the network runs: auto (CUDA where there is one), cpu, cuda or cuda:N.",
        pattern=r"auto|cpu|cuda(:\d+)?",
    )
    threshold: float = _parameter(
        _default_of(Session, "threshold"),
        "Confidence from which a pixel belongs to the mask.",
        smallest=0.01,
        largest=0.99,
        live=True,
    )
    presence_threshold: float = _parameter(
        -1.0,
        "Audibility below which the mask is empty; below 0: the model's own.",
        smallest=-1.0,
        largest=1.0,
        live=True,
    )
    mask_mode: str = _parameter(
        "binary255",
        "Value of a sounding pixel in the mask: binary255 (255, visible in viewers) or class_id (1).",
        pattern="|".join(MASK_VALUES),
        live=True,
    )
    audio_sample_rate: int = _parameter(
        AudioFormat.sample_rate,
        "Hz; holds until the topic audio/audio_info says otherwise.",
        smallest=4_000,
        largest=192_000,
    )
    audio_channels: int = _parameter(
        AudioFormat.channels,
        "Interleaved channels; holds until the topic audio/audio_info says otherwise.",
        smallest=1,
        largest=32,
    )
    audio_sample_format: str = _parameter(
        AudioFormat.sample_format,
        "GStreamer's name of the PCM format, like S16LE; holds until the topic audio/audio_info says otherwise.",
    )
    max_skew_s: float = _parameter(
        WindowRules.max_skew_ns / NANOSECONDS_PER_SECOND,
        "Seconds that a window's image may be away from 15/16 of its second; a camera below 4 Hz needs more.",
        smallest=0.0,
        largest=0.499,
    )
    max_wait_s: float = _parameter(
        WindowRules.max_wait_ns / NANOSECONDS_PER_SECOND,
        "Seconds by which one stream may run ahead before a window closes without the other one's rest.",
        smallest=0.0,
        largest=5.0,
    )
    min_heard: float = _parameter(
        WindowRules.min_heard,
        "Fraction of a second that must have been heard; with less the window is skipped.",
        smallest=0.001,
        largest=1.0,
    )

    def __post_init__(self):
        _ = self.audio_format  # refuses a format nobody knows before any sound comes

    @property
    def audio_format(self) -> AudioFormat:
        """How sound is read until audio/audio_info came."""
        return AudioFormat(
            sample_rate=self.audio_sample_rate, channels=self.audio_channels, sample_format=self.audio_sample_format
        )


def declare_parameters(node: Node, table: type = SegmentationParameters) -> Any:
    """Declare `table`, a dataclass of `_parameter` fields, on `node` and return what the node was started with.

    Raises:
        ValueError: a text that does not match; values out of range or of a wrong type raise rclpy's ParameterException.
    """
    values = {}
    for entry in fields(table):
        values[entry.name] = node.declare_parameter(entry.name, entry.default, _descriptor(entry)).value
        _check_text(table, entry.name, values[entry.name])
    return table(**values)


def with_changes(parameters: Any, changes: Iterable[Parameter]) -> Any:
    """`parameters` with those of `changes` that are in the table, all or none (others, like use_sim_time, are not ours).

    Raises:
        ValueError: a text that does not match.
    """
    known = {entry.name for entry in fields(parameters)}
    values = {change.name: change.value for change in changes if change.name in known}
    for name, value in values.items():
        _check_text(type(parameters), name, value)
    return replace(parameters, **values)


def _descriptor(entry) -> ParameterDescriptor:
    about = entry.metadata
    descriptor = ParameterDescriptor(
        description=about["description"], read_only=not about["live"], additional_constraints=about["pattern"]
    )
    if isinstance(entry.default, float):
        descriptor.floating_point_range = [FloatingPointRange(from_value=about["smallest"], to_value=about["largest"])]
    elif isinstance(entry.default, int) and not isinstance(entry.default, bool):
        descriptor.integer_range = [IntegerRange(from_value=about["smallest"], to_value=about["largest"], step=1)]
    return descriptor


def _check_text(table: type, name: str, value: Any) -> None:
    pattern = table.__dataclass_fields__[name].metadata["pattern"]
    if pattern and not re.fullmatch(pattern, value):
        raise ValueError(f"parameter {name}: expected {pattern}, got {value!r}")
