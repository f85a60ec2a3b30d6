"""The segmentation node's parameters, for `c3n_ros.parameters`. Defaults are the library's own."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

from c3n_model.messages.sounds import AudioFormat
from c3n_model.streaming.session import Session
from c3n_model.streaming.windows import WindowRules
from c3n_model.types import NANOSECONDS_PER_SECOND
from c3n_ros.messages.conversions import MASK_VALUES
from c3n_ros.parameters import INACTIVE, LIVE, START, UNCONFIGURED, parameter

_SESSION = {name: about.default for name, about in inspect.signature(Session).parameters.items()}


@dataclass(frozen=True)
class SegmentationParameters:
    """What the node was told; the field descriptions are what `ros2 param describe` shows."""

    autostart: bool = parameter(
        True,
        "Whether the node configures and activates itself when its process starts; false: a lifecycle manager does.",
        changes=START,
    )
    model: str = parameter(
        "zero_shot",
        "zero_shot (pretrained classifiers: c3n weights get zero_shot), demo (embedded, synthetic), or the path of a "
        "checkpoint or of a YAML file with the settings of zero_shot.",
        changes=UNCONFIGURED,
    )
    device: str = parameter(
        _SESSION["device"],
        "Where the network runs: auto (CUDA where there is one), cpu, cuda or cuda:N.",
        pattern=r"auto|cpu|cuda(:\d+)?",
        changes=INACTIVE,
    )
    threshold: float = parameter(
        _SESSION["threshold"],
        "Confidence from which a pixel belongs to the mask.",
        smallest=0.01,
        largest=0.99,
        changes=LIVE,
    )
    presence_threshold: float = parameter(
        -1.0,
        "Audibility below which the mask is empty; below 0: the model's own.",
        smallest=-1.0,
        largest=1.0,
        changes=LIVE,
    )
    visibility_threshold: float = parameter(
        -1.0,
        "Certainty of the named visual class below which the mask is empty: not in view; below 0: the model's own.",
        smallest=-1.0,
        largest=1.0,
        changes=LIVE,
    )
    history: int = parameter(
        0,
        "Seconds that the network looks at together, T; 0: as many as the model was trained with.",
        smallest=0,
        largest=30,
        changes=LIVE,
    )
    background_file: str = parameter(
        "",
        "CSV file of the robot's own background noise: read when the node is activated, written after ~/learn_background; "
        "empty: none. For models that tell a background from other sounds (zero_shot).",
        changes=INACTIVE,
    )
    mask_mode: str = parameter(
        "binary255",
        "Value of a sounding pixel in the mask: binary255 (255, visible in viewers) or class_id (of label_info).",
        pattern="|".join(MASK_VALUES),
        changes=LIVE,
    )
    image_transport: str = parameter(
        "raw",
        "raw (sensor_msgs/Image) or compressed (sensor_msgs/CompressedImage on <image topic>/compressed).",
        pattern="raw|compressed",
        changes=INACTIVE,
    )
    audio_msg_type: str = parameter(
        "auto",
        "Message type of the sound: auto (the stamped one of the audio_common_msgs that is installed), AudioDataStamped, "
        "AudioStamped, or AudioData (stamped on arrival).",
        pattern="auto|AudioDataStamped|AudioStamped|AudioData",
        changes=INACTIVE,
    )
    audio_sample_rate: int = parameter(
        AudioFormat.sample_rate,
        "Hz; holds until the topic audio/audio_info says otherwise.",
        smallest=4_000,
        largest=192_000,
        changes=INACTIVE,
    )
    audio_channels: int = parameter(
        AudioFormat.channels,
        "Interleaved channels; holds until the topic audio/audio_info says otherwise.",
        smallest=1,
        largest=32,
        changes=INACTIVE,
    )
    audio_sample_format: str = parameter(
        AudioFormat.sample_format,
        "GStreamer's name of the PCM format, like S16LE; holds until the topic audio/audio_info says otherwise.",
        changes=INACTIVE,
    )
    hop_s: float = parameter(
        WindowRules.hop_ns / NANOSECONDS_PER_SECOND,
        "Seconds from one window to the next: 1, 0.5, 0.25, 0.2, 0.125 or 0.1; below 1 they overlap.",
        smallest=0.1,
        largest=1.0,
        changes=LIVE,
    )
    max_skew_s: float = parameter(
        WindowRules.max_skew_ns / NANOSECONDS_PER_SECOND,
        "Seconds that a window's image may be away from 15/16 of its second; a camera below 4 Hz needs more.",
        smallest=0.0,
        largest=0.499,
        changes=LIVE,
    )
    max_wait_s: float = parameter(
        WindowRules.max_wait_ns / NANOSECONDS_PER_SECOND,
        "Seconds by which one stream may run ahead before a window closes without the other one's rest.",
        smallest=0.0,
        largest=5.0,
        changes=LIVE,
    )
    min_heard: float = parameter(
        WindowRules.min_heard,
        "Fraction of a second that must have been heard; with less the window is skipped.",
        smallest=0.001,
        largest=1.0,
        changes=LIVE,
    )

    def __post_init__(self):
        _ = self.audio_format, self.rules  # refuse what cannot be read or cut before anything comes

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
