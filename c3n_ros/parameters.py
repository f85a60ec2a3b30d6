"""The segmentation node's parameters: one table, from which ROS learns names, types, descriptions, ranges and defaults.

Defaults are the library's own. A change is checked as a whole, with what it would make of the node, before any of it holds.
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

from c3n_model.sources.sounds import AudioFormat
from c3n_model.streaming.session import Session
from c3n_model.streaming.windows import WindowRules
from c3n_model.types import NANOSECONDS_PER_SECOND
from c3n_ros.conversions import MASK_VALUES

# When a parameter may change: at any time, while the node is not active, while it is not configured, at the start only.
LIVE, INACTIVE, UNCONFIGURED, START = "live", "inactive", "unconfigured", "start"
_SENTENCES = {
    LIVE: "Changes take hold at once.",
    INACTIVE: "May change while the node is not active.",
    UNCONFIGURED: "May change while the node is not configured.",
    START: "Is read once, at the start.",
}
_REMEDIES = {
    INACTIVE: "deactivate the node",
    UNCONFIGURED: "deactivate and clean up the node",
    START: "start the node anew",
}


def _default_of(callable_: type, name: str) -> Any:
    return inspect.signature(callable_).parameters[name].default


def _parameter(
    default: Any,
    description: str,
    *,
    pattern: str = "",
    smallest: float | None = None,
    largest: float | None = None,
    changes: str,
) -> Any:
    """A field of the table: `pattern` is what a text must match, `changes` when it may change."""
    return field(
        default=default,
        metadata={
            "description": description,
            "pattern": pattern,
            "smallest": smallest,
            "largest": largest,
            "changes": changes,
        },
    )


@dataclass(frozen=True)
class SegmentationParameters:
    """What the node was told; the field descriptions are what `ros2 param describe` shows."""

    autostart: bool = _parameter(
        True,
        "Whether the node configures and activates itself when its process starts; false: a lifecycle manager does.",
        changes=START,
    )
    model: str = _parameter(
        "zero_shot",
        "zero_shot (pretrained classifiers: c3n weights get zero_shot), demo (embedded, synthetic), or the path of a "
        "checkpoint or of a YAML file with the settings of zero_shot.",
        changes=UNCONFIGURED,
    )
    device: str = _parameter(
        _default_of(Session, "device"),
        "Where the network runs: auto (CUDA where there is one), cpu, cuda or cuda:N.",
        pattern=r"auto|cpu|cuda(:\d+)?",
        changes=INACTIVE,
    )
    threshold: float = _parameter(
        _default_of(Session, "threshold"),
        "Confidence from which a pixel belongs to the mask.",
        smallest=0.01,
        largest=0.99,
        changes=LIVE,
    )
    presence_threshold: float = _parameter(
        -1.0,
        "Audibility below which the mask is empty; below 0: the model's own.",
        smallest=-1.0,
        largest=1.0,
        changes=LIVE,
    )
    history: int = _parameter(
        0,
        "Seconds that the network looks at together, T; 0: as many as the model was trained with.",
        smallest=0,
        largest=30,
        changes=LIVE,
    )
    mask_mode: str = _parameter(
        "binary255",
        "Value of a sounding pixel in the mask: binary255 (255, visible in viewers) or class_id (of label_info).",
        pattern="|".join(MASK_VALUES),
        changes=LIVE,
    )
    image_transport: str = _parameter(
        "raw",
        "raw (sensor_msgs/Image) or compressed (sensor_msgs/CompressedImage on <image topic>/compressed).",
        pattern="raw|compressed",
        changes=INACTIVE,
    )
    audio_msg_type: str = _parameter(
        "auto",
        "Message type of the sound: auto (the stamped one of the audio_common_msgs that is installed), AudioDataStamped, "
        "AudioStamped, or AudioData (stamped on arrival).",
        pattern="auto|AudioDataStamped|AudioStamped|AudioData",
        changes=INACTIVE,
    )
    audio_sample_rate: int = _parameter(
        AudioFormat.sample_rate,
        "Hz; holds until the topic audio/audio_info says otherwise.",
        smallest=4_000,
        largest=192_000,
        changes=INACTIVE,
    )
    audio_channels: int = _parameter(
        AudioFormat.channels,
        "Interleaved channels; holds until the topic audio/audio_info says otherwise.",
        smallest=1,
        largest=32,
        changes=INACTIVE,
    )
    audio_sample_format: str = _parameter(
        AudioFormat.sample_format,
        "GStreamer's name of the PCM format, like S16LE; holds until the topic audio/audio_info says otherwise.",
        changes=INACTIVE,
    )
    hop_s: float = _parameter(
        WindowRules.hop_ns / NANOSECONDS_PER_SECOND,
        "Seconds from one window to the next: 1, 0.5, 0.25, 0.2, 0.125 or 0.1; below 1 they overlap.",
        smallest=0.1,
        largest=1.0,
        changes=LIVE,
    )
    max_skew_s: float = _parameter(
        WindowRules.max_skew_ns / NANOSECONDS_PER_SECOND,
        "Seconds that a window's image may be away from 15/16 of its second; a camera below 4 Hz needs more.",
        smallest=0.0,
        largest=0.499,
        changes=LIVE,
    )
    max_wait_s: float = _parameter(
        WindowRules.max_wait_ns / NANOSECONDS_PER_SECOND,
        "Seconds by which one stream may run ahead before a window closes without the other one's rest.",
        smallest=0.0,
        largest=5.0,
        changes=LIVE,
    )
    min_heard: float = _parameter(
        WindowRules.min_heard,
        "Fraction of a second that must have been heard; with less the window is skipped.",
        smallest=0.001,
        largest=1.0,
        changes=LIVE,
    )

    def __post_init__(self):
        for entry in fields(self):
            pattern, value = entry.metadata["pattern"], getattr(self, entry.name)
            if pattern and not re.fullmatch(pattern, value):
                raise ValueError(f"parameter {entry.name}: expected {pattern}, got {value!r}")
        _ = self.audio_format, self.rules  # refuse what they refuse before anything comes

    @property
    def audio_format(self) -> AudioFormat:
        """How sound is read until audio/audio_info came."""
        return AudioFormat(
            sample_rate=self.audio_sample_rate, channels=self.audio_channels, sample_format=self.audio_sample_format
        )

    @property
    def rules(self) -> WindowRules:
        """When windows are cut."""
        return WindowRules(
            hop_ns=round(self.hop_s * NANOSECONDS_PER_SECOND),
            max_skew_ns=round(self.max_skew_s * NANOSECONDS_PER_SECOND),
            max_wait_ns=round(self.max_wait_s * NANOSECONDS_PER_SECOND),
            min_heard=self.min_heard,
        )


def declare_parameters(node: Node) -> SegmentationParameters:
    """Declare the table on `node` and return what the node was started with.

    Raises:
        ValueError: a value that cannot be used; values out of range or of a wrong type raise rclpy's ParameterException.
    """
    entries = fields(SegmentationParameters)
    values = {
        entry.name: node.declare_parameter(entry.name, entry.default, _descriptor(entry)).value for entry in entries
    }
    return SegmentationParameters(**values)


def with_changes(
    parameters: SegmentationParameters, changes: Iterable[Parameter], state: str = LIVE
) -> SegmentationParameters:
    """`parameters` with those of `changes` that are in the table, all or none (others, like use_sim_time, are not ours).

    Args:
        state: of the node: UNCONFIGURED, INACTIVE, or LIVE while it is active.
    Raises:
        ValueError: a value that cannot be used, or a parameter that cannot change in this state.
    """
    table = {entry.name: entry.metadata for entry in fields(SegmentationParameters)}
    allowed = {LIVE: (LIVE,), INACTIVE: (LIVE, INACTIVE), UNCONFIGURED: (LIVE, INACTIVE, UNCONFIGURED)}[state]
    values = {change.name: change.value for change in changes if change.name in table}
    for name, value in values.items():
        if table[name]["changes"] not in allowed and value != getattr(parameters, name):
            raise ValueError(f"parameter {name} cannot change now: {_REMEDIES[table[name]['changes']]} first")
    return replace(parameters, **values)


def _descriptor(entry) -> ParameterDescriptor:
    about = entry.metadata
    descriptor = ParameterDescriptor(
        description=f"{about['description']} {_SENTENCES[about['changes']]}",
        read_only=about["changes"] == START,
        additional_constraints=about["pattern"],
    )
    if isinstance(entry.default, float):
        descriptor.floating_point_range = [FloatingPointRange(from_value=about["smallest"], to_value=about["largest"])]
    elif isinstance(entry.default, int) and not isinstance(entry.default, bool):
        descriptor.integer_range = [IntegerRange(from_value=about["smallest"], to_value=about["largest"], step=1)]
    return descriptor
