"""The segmentation node's parameters, for `c3n_ros.parameters`. Defaults are the library's own."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

from c3n_model.messages.sounds import AudioFormat
from c3n_model.streaming.channels import ALL, parse_channels
from c3n_model.streaming.session import Session
from c3n_model.streaming.windows import WindowRules
from c3n_model.types import NANOSECONDS_PER_SECOND
from c3n_ros.messages.conversions import MASK_VALUES
from c3n_ros.parameters import INACTIVE, LIVE, START, UNCONFIGURED, parameter

CLASS_SEPARATOR = ";"  # names of AudioSet's classes have commas
_SESSION = {name: entry.default for name, entry in inspect.signature(Session).parameters.items()}


@dataclass(frozen=True)
class SegmentationParameters:
    """The node's parameters; `ros2 param describe` shows the descriptions."""

    autostart: bool = parameter(
        True,
        "Configure and activate the node when its process starts; false: a lifecycle manager does.",
        changes=START,
    )
    model: str = parameter(
        "zero_shot",
        "zero_shot (pretrained classifiers: c3n weights get zero_shot), demo (embedded, synthetic), or the path of a "
        "checkpoint or of a YAML file with zero-shot settings.",
        changes=UNCONFIGURED,
    )
    auto_download: bool = parameter(
        True,
        "Fetch the pretrained files that the model needs and this machine lacks, once, when the node is configured.",
        changes=UNCONFIGURED,
    )
    device: str = parameter(
        _SESSION["device"],
        "Device of the network: auto (CUDA if available), cpu, cuda or cuda:N.",
        pattern=r"auto|cpu|cuda(:\d+)?",
        changes=INACTIVE,
    )
    runtime: str = parameter(
        _SESSION["runtime"],
        "What runs the network: auto (torch; onnxruntime for a file of c3n export), torch, onnxruntime or openvino.",
        pattern="auto|torch|onnxruntime|openvino",
        changes=INACTIVE,
    )
    precision: str = parameter(
        _SESSION["precision"],
        "float32, or bfloat16 where the device computes in it: faster with AMX or on a GPU, slower with AVX-512 alone; masks change slightly, labels do not.",
        pattern="float32|bfloat16",
        changes=INACTIVE,
    )
    threads: int = parameter(
        0,
        "CPU threads of torch; 0: as many as pay, measured when the node is activated, at most torch's own number.",
        smallest=0,
        largest=256,
        changes=INACTIVE,
    )
    threshold: float = parameter(
        _SESSION["threshold"],
        "Minimum confidence of a mask pixel.",
        smallest=0.01,
        largest=0.99,
        changes=LIVE,
    )
    classes: str = parameter(
        "",
        "Classes to show, audio or visual ones, separated by semicolons such as dog; Male speech, man speaking; empty: all. "
        "The mask of any other class is empty, for the reason filtered.",
        changes=LIVE,
    )
    presence_threshold: float = parameter(
        -1.0,
        "Presence score below which the mask is empty; negative: the model's own threshold.",
        smallest=-1.0,
        largest=1.0,
        changes=LIVE,
    )
    visibility_threshold: float = parameter(
        -1.0,
        "Score of the predicted visual class below which it counts as not in view and the mask is empty; negative: the model's own "
        "threshold.",
        smallest=-1.0,
        largest=1.0,
        changes=LIVE,
    )
    history: int = parameter(
        0,
        "Seconds that the network processes together, T; 0: as many as the model was trained with.",
        smallest=0,
        largest=30,
        changes=LIVE,
    )
    max_sources: int = parameter(
        _SESSION["max_sources"],
        "Sounding objects with different labels that are named at once, each with its own pair of classes; 1: one, as in the paper. "
        "For zero_shot and C3N in torch.",
        smallest=1,
        largest=8,
        changes=INACTIVE,
    )
    background_file: str = parameter(
        "",
        "CSV file of the robot's own background noise: read when the node is activated, written after ~/learn_background; "
        "empty: none. For models that use a background (zero_shot).",
        changes=INACTIVE,
    )
    mask_mode: str = parameter(
        "binary255",
        "Value of a sounding pixel in the mask: binary255 (255, visible in viewers) or class_id (see label_info).",
        pattern="|".join(MASK_VALUES),
        changes=LIVE,
    )
    image_transport: str = parameter(
        "raw",
        "raw (sensor_msgs/Image), compressed (sensor_msgs/CompressedImage on <image topic>/compressed) or auto (compressed "
        "where it is published when the node is activated, else raw).",
        pattern="raw|compressed|auto",
        changes=INACTIVE,
    )
    audio_msg_type: str = parameter(
        "auto",
        "Message type of the sound: auto (the stamped type of the installed audio_common_msgs), AudioDataStamped, "
        "AudioStamped, or AudioData (stamped on arrival).",
        pattern="auto|AudioDataStamped|AudioStamped|AudioData",
        changes=INACTIVE,
    )
    audio_sample_rate: int = parameter(
        AudioFormat.sample_rate,
        "Sample rate in Hz, until an AudioInfo arrives on audio/audio_info.",
        smallest=4_000,
        largest=192_000,
        changes=INACTIVE,
    )
    audio_channels: int = parameter(
        AudioFormat.channels,
        "Number of interleaved channels, until an AudioInfo arrives on audio/audio_info.",
        smallest=1,
        largest=32,
        changes=INACTIVE,
    )
    audio_use_channels: str = parameter(
        ALL,
        "Audio channels to use, counted from 0, such as 0-4 or 0,2; the network gets their mean. all: every channel.",
        changes=INACTIVE,
    )
    audio_sample_format: str = parameter(
        AudioFormat.sample_format,
        "PCM format by GStreamer's name, like S16LE, until an AudioInfo arrives on audio/audio_info.",
        changes=INACTIVE,
    )
    microphone_array: str = parameter(
        "",
        "YAML file of a microphone array's geometry, or a preset (respeaker_usb_4_mic, stereo_pair): the direction of the sound "
        "chooses among objects of a class, and empties the mask for sounds from outside the picture; empty: none.",
        changes=INACTIVE,
    )
    sound_direction_yaw: float = parameter(
        0.0,
        "Degrees by which the frame of the bearings on audio/direction is turned to the left of the camera.",
        smallest=-180.0,
        largest=180.0,
        changes=INACTIVE,
    )
    camera_fov: float = parameter(
        0.0,
        "Horizontal angle of view of the camera in degrees, for microphone_array and audio/direction where there is no camera_info; "
        "0: unknown.",
        smallest=0.0,
        largest=179.0,
        changes=LIVE,
    )
    compare_motion: bool = parameter(
        False,
        "Of several objects of a class keep the one that moves in time with the sound, where one clearly does. Ten images a second are "
        "decoded for it, and the camera's subscription does not sleep.",
        changes=INACTIVE,
    )
    hop_s: float = parameter(
        WindowRules.hop_ns / NANOSECONDS_PER_SECOND,
        "Time between windows in seconds: 1, 0.5, 0.25, 0.2, 0.125 or 0.1; below 1 they overlap.",
        smallest=0.1,
        largest=1.0,
        changes=LIVE,
    )
    max_skew_s: float = parameter(
        WindowRules.max_skew_ns / NANOSECONDS_PER_SECOND,
        "Maximum time in seconds between a window's image and 15/16 of its second; a camera below 4 Hz needs more.",
        smallest=0.0,
        largest=0.499,
        changes=LIVE,
    )
    max_wait_s: float = parameter(
        WindowRules.max_wait_ns / NANOSECONDS_PER_SECOND,
        "Seconds by which one stream may run ahead before a window closes without the rest of the other.",
        smallest=0.0,
        largest=5.0,
        changes=LIVE,
    )
    min_heard: float = parameter(
        WindowRules.min_heard,
        "Minimum fraction of a second for which sound arrived; with less the window is skipped.",
        smallest=0.001,
        largest=1.0,
        changes=LIVE,
    )

    max_rate: float = parameter(
        0.0,
        "Maximum number of masks per second; windows in between are passed over; 0: one for each window.",
        smallest=0.0,
        largest=10.0,
        changes=LIVE,
    )

    def __post_init__(self):
        _ = self.audio_format, self.rules, self.channels  # reject invalid values before anything arrives

    @property
    def audio_format(self) -> AudioFormat:
        """Format of the sound until an AudioInfo arrives."""
        return AudioFormat(
            sample_rate=self.audio_sample_rate, channels=self.audio_channels, sample_format=self.audio_sample_format
        )

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of the sound to use, counted from 0; empty for all."""
        return parse_channels(self.audio_use_channels)

    @property
    def chosen_classes(self) -> tuple[str, ...]:
        """Classes to show as they were given; empty for all."""
        return tuple(filter(None, map(str.strip, self.classes.split(CLASS_SEPARATOR))))

    @property
    def shortest_gap_ns(self) -> int:
        """Between two windows that are segmented, by `max_rate`."""
        return round(NANOSECONDS_PER_SECOND / self.max_rate) if self.max_rate > 0 else 0

    @property
    def rules(self) -> WindowRules:
        """When windows are cut."""
        return WindowRules(
            hop_ns=round(self.hop_s * NANOSECONDS_PER_SECOND),
            max_skew_ns=round(self.max_skew_s * NANOSECONDS_PER_SECOND),
            max_wait_ns=round(self.max_wait_s * NANOSECONDS_PER_SECOND),
            min_heard=self.min_heard,
        )
