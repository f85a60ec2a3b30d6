"""Sound messages to chunks and back, without ROS: both packages that are called audio_common_msgs.

| | ros-drivers (`audio_capture`) | mgonzs13 (`audio_capturer_node`) |
|---|---|---|
| with a stamp | `AudioDataStamped` | `AudioStamped` |
| without | `AudioData`: bytes | `AudioData`: one array for each type of sample |
| described by | `AudioInfo` on a topic of its own | `AudioInfo` in every message |
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from c3n_model.messages.limits import check_sound_format, check_sound_length
from c3n_model.messages.mp3 import MP3_REMEDY, looks_like_mp3
from c3n_model.messages.stamps import stamp_of
from c3n_model.types import AudioChunk

ROS_DRIVERS, MGONZS13 = "ros_drivers", "mgonzs13"

# GStreamer's names: sign, bits, bytes it is stored in where they are not the fewest, endianness (the machine's: little).
_SAMPLE_FORMAT = re.compile(r"([SU])(8|16|18|20|24|32)(?:_(32))?(LE|BE)?|(F)(32|64)(LE|BE)?")
_KNOWN_FORMATS = "S8, U8, S16LE, S16BE, U16LE, S18LE, S20LE, S24LE, S24_32LE, S32LE, F32LE, F64LE and the like"
_PCM_CODINGS = ("wave", "wav", "pcm", "raw", "")
# PortAudio's flag for a type of sample -> the array of mgonzs13's AudioData that holds it, what means 0 and full scale.
_SAMPLE_ARRAYS = {
    1: ("float32_data", np.float32, 0, 1),
    2: ("int32_data", np.int32, 0, 2**31),
    8: ("int16_data", np.int16, 0, 2**15),
    16: ("int8_data", np.int8, 0, 2**7),
    32: ("uint8_data", np.uint8, 2**7, 2**7),
}


@dataclass(frozen=True)
class AudioFormat:
    """How the bytes of AudioData are to be read; the defaults are those of audio_capture with format:=wave.

    MP3 says itself what its rate and channels are. Raises LimitError (a ValueError) if the rate or the number of channels
    is beyond `limits`, ValueError if the sample format or the coding is unknown.
    """

    sample_rate: int = 16000
    channels: int = 1
    sample_format: str = "S16LE"
    coding_format: str = "wave"

    def __post_init__(self):
        check_sound_format(self.sample_rate, self.channels)
        if _SAMPLE_FORMAT.fullmatch(self.sample_format) is None:
            raise ValueError(f"unknown sample_format {self.sample_format!r}; known are {_KNOWN_FORMATS}")
        if not self.is_mp3 and self.coding_format.lower() not in _PCM_CODINGS:
            raise ValueError(f"unknown coding_format {self.coding_format!r}; known are wave and mp3")

    @property
    def is_mp3(self) -> bool:
        """Whether the bytes are a piece of an MP3 stream, which `Mp3Decoder` reads."""
        return self.coding_format.lower() == "mp3"


def audio_dialect(module: ModuleType | Any) -> str:
    """Which of the two packages `audio_common_msgs.msg` is: `ROS_DRIVERS` or `MGONZS13`. Both cannot be installed.

    Raises ValueError for a module that is neither.
    """
    for dialect, stamped in ((ROS_DRIVERS, "AudioDataStamped"), (MGONZS13, "AudioStamped")):
        if hasattr(module, stamped):
            return dialect
    raise ValueError(
        "audio_common_msgs has neither AudioDataStamped (ros-drivers) nor AudioStamped (mgonzs13): install ros-drivers' "
        "(apt: ros-$ROS_DISTRO-audio-common-msgs) and source the workspace again"
    )


def format_from_info(message: Any) -> AudioFormat:
    """ros-drivers' AudioInfo -> AudioFormat. Raises ValueError if it describes nothing that can be read."""
    coding = message.coding_format.lower()
    sample_format = "S16LE" if coding == "mp3" else message.sample_format.upper()
    return AudioFormat(message.sample_rate, message.channels, sample_format, coding)


def chunk_from_audio(message: Any, audio_format: AudioFormat) -> AudioChunk:
    """ros-drivers' AudioDataStamped with PCM -> AudioChunk, samples float32 in [-1, 1].

    Raises ValueError for MP3, announced or found, and for a number of bytes that is no whole number of samples.
    """
    if looks_like_mp3(np.frombuffer(message.audio.data, dtype=np.uint8)):
        raise ValueError(MP3_REMEDY)
    return chunk_from_unstamped(message.audio, audio_format, stamp_of(message.header))


def chunk_from_audio_stamped(message: Any) -> AudioChunk:
    """mgonzs13's AudioStamped -> AudioChunk, samples float32 in [-1, 1].

    Raises ValueError for a format that is none of PortAudio's, and for a number of values that is no whole number of
    samples.
    """
    info = message.audio.info
    if info.format not in _SAMPLE_ARRAYS:
        raise ValueError(f"unknown PortAudio format {info.format}; known are {', '.join(map(str, _SAMPLE_ARRAYS))}")
    audio_format = AudioFormat(info.rate, info.channels)
    samples = _samples_of(message.audio.audio_data, info.format, audio_format)
    return AudioChunk(samples, info.rate, stamp_of(message.header))


def chunk_from_unstamped(message: Any, audio_format: AudioFormat, stamp_ns: int) -> AudioChunk:
    """AudioData of either package with PCM -> AudioChunk; its first sample was heard at `stamp_ns`.

    Of mgonzs13's, which array is filled tells the type of sample; `audio_format` the rest. Raises ValueError for MP3 that
    is announced, and for a number of bytes that is no whole number of samples.
    """
    if hasattr(message, "data"):
        samples = _samples_from_bytes(np.frombuffer(message.data, dtype=np.uint8), audio_format)
    else:
        filled = [flag for flag, (name, *_) in _SAMPLE_ARRAYS.items() if len(getattr(message, name))]
        samples = _samples_of(message, filled[0] if filled else 1, audio_format)
    return AudioChunk(samples, audio_format.sample_rate, stamp_ns)


def pcm_from_samples(samples: np.ndarray) -> np.ndarray:
    """Samples float (n, channels) in [-1, 1] -> the bytes of S16LE, uint8 (2 n channels,); louder ones are clipped."""
    return np.clip(np.rint(samples * 2.0**15), -(2**15), 2**15 - 1).astype("<i2").reshape(-1).view(np.uint8)


def _samples_of(audio_data: Any, flag: int, audio_format: AudioFormat) -> np.ndarray:
    name, dtype, zero, full_scale = _SAMPLE_ARRAYS[flag]
    values = np.asarray(getattr(audio_data, name), dtype=dtype)
    check_sound_length(len(values) // audio_format.channels, audio_format.sample_rate)
    if len(values) % audio_format.channels:
        raise ValueError(
            f"{len(values)} values of {name} are no whole number of {audio_format.channels}-channel samples"
        )
    samples = (values.astype(np.float32) - np.float32(zero)) / np.float32(full_scale)
    return samples.reshape(-1, audio_format.channels)


def _samples_from_bytes(data: np.ndarray, audio_format: AudioFormat) -> np.ndarray:
    """Bytes uint8 (n,) -> float32 (samples, channels)."""
    if audio_format.is_mp3:
        raise ValueError(MP3_REMEDY)
    match = _SAMPLE_FORMAT.fullmatch(audio_format.sample_format)
    assert match is not None  # AudioFormat refuses any other
    sign, bits, container, order, is_float, float_bits, float_order = match.groups()
    size = int(container or float_bits or -(-int(bits) // 8) * 8) // 8
    step = size * audio_format.channels
    check_sound_length(len(data) // step, audio_format.sample_rate)
    if len(data) % step:
        raise ValueError(
            f"{len(data)} bytes of sound are no whole number of {audio_format.channels}-channel "
            f"{audio_format.sample_format} samples ({step} bytes); correct audio_info or the parameters"
        )
    little = np.ascontiguousarray(data).reshape(-1, size)[:, :: -1 if "BE" in (order, float_order) else 1]
    if is_float:
        values = np.ascontiguousarray(little).view(f"<f{size}").astype(np.float32)
    else:
        values = _integers(little, int(bits), sign == "U")
    return values.reshape(-1, audio_format.channels)


def _integers(little: np.ndarray, bits: int, unsigned: bool) -> np.ndarray:
    """Little-endian integers, uint8 (n, bytes), the lowest `bits` of each -> float32 (n, 1) in [-1, 1)."""
    words = np.zeros((len(little), 4), np.uint8)
    words[:, : little.shape[1]] = little
    highest = words.view("<u4") << np.uint32(32 - bits)  # what is stored above the sample falls off
    if unsigned:
        highest ^= np.uint32(2**31)
    return highest.view("<i4").astype(np.float32) / np.float32(2**31)
