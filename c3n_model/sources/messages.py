"""ROS messages to nouns and back, without ROS: objects of rclpy and of rosbags both work.

Messages are read by attribute and their bytes through the buffer protocol, whatever holds them (array.array, NumPy,
bytes). The formats are those of sensor_msgs/Image and of ros-drivers' audio_common_msgs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from c3n_model.types import NANOSECONDS_PER_SECOND, AudioChunk, Frame

# Encoding -> (dtype of a channel, channels in a row, conversion to RGB or None if it is RGB).
# 8UC3 says nothing of colours; OpenCV, whose name it is, means BGR. "yuv422" is UYVY since ROS 1.
_IMAGE_ENCODINGS = {
    "rgb8": (np.uint8, 3, None),
    "bgr8": (np.uint8, 3, cv2.COLOR_BGR2RGB),
    "8UC3": (np.uint8, 3, cv2.COLOR_BGR2RGB),
    "rgba8": (np.uint8, 4, cv2.COLOR_RGBA2RGB),
    "bgra8": (np.uint8, 4, cv2.COLOR_BGRA2RGB),
    "mono8": (np.uint8, 1, cv2.COLOR_GRAY2RGB),
    "8UC1": (np.uint8, 1, cv2.COLOR_GRAY2RGB),
    "mono16": (np.uint16, 1, cv2.COLOR_GRAY2RGB),
    "yuv422": (np.uint8, 2, cv2.COLOR_YUV2RGB_UYVY),
    "uyvy": (np.uint8, 2, cv2.COLOR_YUV2RGB_UYVY),
    "yuv422_yuy2": (np.uint8, 2, cv2.COLOR_YUV2RGB_YUYV),
    "yuyv": (np.uint8, 2, cv2.COLOR_YUV2RGB_YUYV),
    "nv12": (np.uint8, 1, cv2.COLOR_YUV2RGB_NV12),
    # OpenCV names a pattern by the second row and column, ROS by the first.
    "bayer_rggb8": (np.uint8, 1, cv2.COLOR_BayerBG2RGB),
    "bayer_bggr8": (np.uint8, 1, cv2.COLOR_BayerRG2RGB),
    "bayer_gbrg8": (np.uint8, 1, cv2.COLOR_BayerGR2RGB),
    "bayer_grbg8": (np.uint8, 1, cv2.COLOR_BayerGB2RGB),
}

# GStreamer's name -> (dtype of a sample, value that means 0, value that means full scale).
_SAMPLE_FORMATS = {
    "S16LE": ("<i2", 0, 2**15),
    "S16BE": (">i2", 0, 2**15),
    "S32LE": ("<i4", 0, 2**31),
    "F32LE": ("<f4", 0, 1),
    "S8": ("i1", 0, 2**7),
    "U8": ("u1", 2**7, 2**7),
}

MP3_REMEDY = (
    "the sound is MP3, but only raw PCM can be read: start audio_capture with the launch argument format:=wave "
    "(ros2 launch audio_capture capture.launch.xml format:=wave)"
)


@dataclass(frozen=True)
class AudioFormat:
    """How the bytes of AudioData are to be read; the defaults are those of audio_capture with format:=wave.

    Raises ValueError if the rate or the number of channels is not positive or the sample format is unknown.
    """

    sample_rate: int = 16000
    channels: int = 1
    sample_format: str = "S16LE"
    coding_format: str = "wave"

    def __post_init__(self):
        if self.sample_rate <= 0 or self.channels <= 0:
            raise ValueError(
                "expected a positive sample_rate and number of channels, "
                f"got {self.sample_rate} Hz and {self.channels}; correct audio_info or the parameters"
            )
        if self.sample_format not in _SAMPLE_FORMATS:
            raise ValueError(f"unknown sample_format {self.sample_format!r}; known are {', '.join(_SAMPLE_FORMATS)}")


def frame_from_image(message: Any) -> Frame:
    """sensor_msgs/Image -> Frame.

    Raises ValueError for an encoding that is not known, a row that is too short, or data of the wrong length.
    """
    if message.encoding not in _IMAGE_ENCODINGS:
        raise ValueError(f"unknown image encoding {message.encoding!r}; known are {', '.join(_IMAGE_ENCODINGS)}")
    dtype, channels, conversion = _IMAGE_ENCODINGS[message.encoding]
    pixels = _rows(message, np.dtype(dtype), channels)
    if dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    rgb = np.ascontiguousarray(pixels)
    if conversion is not None:
        try:
            rgb = cv2.cvtColor(rgb, conversion)
        except cv2.error as error:  # YUV of an odd width
            raise ValueError(
                f"a {message.encoding} image cannot be {message.width} x {message.height} pixels"
            ) from error
    return Frame(rgb, stamp_of(message.header), message.header.frame_id)


def mask_from_image(message: Any) -> np.ndarray:
    """A mono8 sensor_msgs/Image, such as a mask, -> uint8 (H, W). Raises ValueError for another encoding or length."""
    if message.encoding not in ("mono8", "8UC1"):
        raise ValueError(f"expected a mask as mono8, got encoding {message.encoding!r}")
    return _rows(message, np.dtype(np.uint8), 1)[..., 0].copy()


def _rows(message: Any, dtype: np.dtype, channels: int) -> np.ndarray:
    """The image's bytes as (rows, width, channels), without the padding of rows."""
    row_bytes = message.width * channels * dtype.itemsize
    # NV12: half as many rows of colour follow the rows of brightness.
    rows = message.height * 3 // 2 if message.encoding == "nv12" else message.height
    data = np.frombuffer(message.data, dtype=np.uint8)
    if row_bytes == 0 or rows == 0 or message.step < row_bytes or len(data) != rows * message.step:
        raise ValueError(
            f"a {message.encoding} image of {message.width} x {message.height} has rows of at least "
            f"{row_bytes} bytes and {rows} x step bytes; got step {message.step} and {len(data)} bytes"
        )
    pixels = data.reshape(rows, message.step)[:, :row_bytes]
    if dtype.itemsize > 1:
        pixels = np.ascontiguousarray(pixels).view(dtype.newbyteorder(">" if message.is_bigendian else "<"))
    return pixels.reshape(rows, message.width, channels)


def format_from_info(message: Any) -> AudioFormat:
    """audio_common_msgs/AudioInfo -> AudioFormat. Raises ValueError if it describes nothing that can be read."""
    if message.coding_format.lower() == "mp3":
        raise ValueError(MP3_REMEDY)
    return AudioFormat(
        message.sample_rate, message.channels, message.sample_format.upper(), message.coding_format.lower()
    )


def chunk_from_audio(message: Any, audio_format: AudioFormat) -> AudioChunk:
    """audio_common_msgs/AudioDataStamped -> AudioChunk, samples float32 in [-1, 1].

    Raises ValueError for MP3, announced or found, and for a number of bytes that is no whole number of samples.
    """
    data = np.frombuffer(message.audio.data, dtype=np.uint8)
    if audio_format.coding_format.lower() == "mp3" or _looks_like_mp3(data):
        raise ValueError(MP3_REMEDY)
    dtype, zero, full_scale = _SAMPLE_FORMATS[audio_format.sample_format]
    step = np.dtype(dtype).itemsize * audio_format.channels
    if len(data) % step:
        raise ValueError(
            f"{len(data)} bytes of sound are no whole number of {audio_format.channels}-channel "
            f"{audio_format.sample_format} samples ({step} bytes); correct audio_info or the parameters"
        )
    values = np.ascontiguousarray(data).view(dtype).astype(np.float32)
    samples = (values - np.float32(zero)) / np.float32(full_scale)
    return AudioChunk(samples.reshape(-1, audio_format.channels), audio_format.sample_rate, stamp_of(message.header))


def stamp_of(header: Any) -> int:
    """The stamp of a std_msgs/Header in nanoseconds."""
    return nanoseconds(header.stamp)


def nanoseconds(time: Any) -> int:
    """A builtin_interfaces/Time in nanoseconds."""
    return int(time.sec) * NANOSECONDS_PER_SECOND + int(time.nanosec)


def pcm_from_samples(samples: np.ndarray) -> np.ndarray:
    """Samples float (n, channels) in [-1, 1] -> the bytes of S16LE, uint8 (2 n channels,); louder ones are clipped."""
    return np.clip(np.rint(samples * 2.0**15), -(2**15), 2**15 - 1).astype("<i2").reshape(-1).view(np.uint8)


# MPEG-1 Layer III in kbit/s by the header's index; the rows for MPEG-2 and 2.5 are the same.
_BIT_RATES = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_SAMPLE_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def _looks_like_mp3(data: np.ndarray) -> bool:
    """Whether bytes are an ID3 tag or MP3 frames one after the other to the end.

    The sync word alone proves nothing: one PCM chunk in hundreds begins with a quiet negative sample that looks alike.
    """
    if len(data) >= 10 and bytes(data[:3]) == b"ID3" and data[3] < 5 and np.all(data[6:10] < 128):
        return True
    at = 0
    while len(data) - at >= 4:
        length = _mp3_frame_length(int.from_bytes(data[at : at + 4].tobytes(), "big"))
        if length == 0:
            return False
        at += length
    return at > 0 and at == len(data)


def _mp3_frame_length(header: int) -> int:
    """Bytes of the Layer III frame that a 32-bit header announces, 0 if it is none."""
    version, layer = header >> 19 & 3, header >> 17 & 3
    bit_rate, sample_rate, padding = header >> 12 & 15, header >> 10 & 3, header >> 9 & 1
    if header >> 21 != 0x7FF or version == 1 or layer != 1 or bit_rate in (0, 15) or sample_rate == 3:
        return 0
    first = version == 3
    kilobits = _BIT_RATES[0 if first else 1][bit_rate]
    return (144 if first else 72) * kilobits * 1000 // _SAMPLE_RATES[version][sample_rate] + padding
