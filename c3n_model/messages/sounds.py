"""Convert sound messages to chunks and back, without ROS. Two packages are called audio_common_msgs:

| | ros-drivers (`audio_capture`) | mgonzs13 (`audio_capturer_node`) |
|---|---|---|
| with stamp | `AudioDataStamped` | `AudioStamped` |
| without stamp | `AudioData`: bytes | `AudioData`: one array per sample type |
| format | `AudioInfo` on a separate topic | `AudioInfo` in every message |
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

# GStreamer's names: sign, bits, width in storage where it is larger, endianness (little without a suffix).
_SAMPLE_FORMAT = re.compile(r"([SU])(8|16|18|20|24|32)(?:_(32))?(LE|BE)?|(F)(32|64)(LE|BE)?")
_KNOWN_FORMATS = "S8, U8, S16LE, S16BE, U16LE, S18LE, S20LE, S24LE, S24_32LE, S32LE, F32LE, F64LE and similar ones"
_PCM_CODINGS = ("wave", "wav", "pcm", "raw", "")
# PortAudio's sample format -> field of mgonzs13's AudioData, its dtype, the values of silence and of full scale.
_SAMPLE_ARRAYS = {
    1: ("float32_data", np.float32, 0, 1),
    2: ("int32_data", np.int32, 0, 2**31),
    8: ("int16_data", np.int16, 0, 2**15),
    16: ("int8_data", np.int8, 0, 2**7),
    32: ("uint8_data", np.uint8, 2**7, 2**7),
}


@dataclass(frozen=True)
class AudioFormat:
    """Format of the bytes of AudioData; the defaults are those of audio_capture with format:=wave.

    MP3 has its own rate and channels. Raises LimitError (a ValueError) for a rate or number of channels beyond `limits`,
    ValueError for an unknown sample format or coding.
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
        """Whether the bytes belong to an MP3 stream, which `Mp3Decoder` decodes."""
        return self.coding_format.lower() == "mp3"


def audio_dialect(module: ModuleType | Any) -> str:
    """Return which package `audio_common_msgs.msg` belongs to, `ROS_DRIVERS` or `MGONZS13`; only one can be installed.

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
    """Convert an AudioInfo of ros-drivers. Raises ValueError for an unsupported format."""
    coding = message.coding_format.lower()
    sample_format = "S16LE" if coding == "mp3" else message.sample_format.upper()
    return AudioFormat(message.sample_rate, message.channels, sample_format, coding)


def chunk_from_audio(message: Any, audio_format: AudioFormat) -> AudioChunk:
    """Convert an AudioDataStamped of ros-drivers with PCM to an AudioChunk, samples float32 in [-1, 1].

    Raises ValueError for MP3, announced or detected, and for incomplete samples.
    """
    if looks_like_mp3(np.frombuffer(message.audio.data, dtype=np.uint8)):
        raise ValueError(MP3_REMEDY)
    return chunk_from_unstamped(message.audio, audio_format, stamp_of(message.header))


def chunk_from_audio_stamped(message: Any) -> AudioChunk:
    """Convert an AudioStamped of mgonzs13 to an AudioChunk, samples float32 in [-1, 1].

    Raises ValueError for a format unknown to PortAudio, and for incomplete samples.
    """
    info = message.audio.info
    if info.format not in _SAMPLE_ARRAYS:
        raise ValueError(f"unknown PortAudio format {info.format}; known are {', '.join(map(str, _SAMPLE_ARRAYS))}")
    audio_format = AudioFormat(info.rate, info.channels)
    samples = _samples_of(message.audio.audio_data, info.format, audio_format)
    return AudioChunk(samples, info.rate, stamp_of(message.header))


def chunk_from_unstamped(message: Any, audio_format: AudioFormat, stamp_ns: int) -> AudioChunk:
    """Convert PCM AudioData of either package to an AudioChunk whose first sample is stamped `stamp_ns`.

    For mgonzs13, the sample type is that of the array that is not empty; `audio_format` gives rate and channels. Raises
    ValueError for announced MP3, and for incomplete samples.
    """
    if hasattr(message, "data"):
        samples = _samples_from_bytes(np.frombuffer(message.data, dtype=np.uint8), audio_format)
    else:
        filled = [flag for flag, (name, *_) in _SAMPLE_ARRAYS.items() if len(getattr(message, name))]
        samples = _samples_of(message, filled[0] if filled else 1, audio_format)
    return AudioChunk(samples, audio_format.sample_rate, stamp_ns)


def chunk_from_pcm(pcm: bytes, audio_format: AudioFormat, stamp_ns: int) -> AudioChunk:
    """Convert interleaved PCM to an AudioChunk whose first sample is stamped `stamp_ns`. Raises ValueError for incomplete
    samples."""
    samples = _samples_from_bytes(np.frombuffer(pcm, dtype=np.uint8), audio_format)
    return AudioChunk(samples, audio_format.sample_rate, stamp_ns)


def pcm_from_samples(samples: np.ndarray) -> np.ndarray:
    """Encode samples float (n, channels) in [-1, 1] as S16LE bytes, uint8 (2 n channels,); louder samples are clipped."""
    return np.clip(np.rint(samples * 2.0**15), -(2**15), 2**15 - 1).astype("<i2").reshape(-1).view(np.uint8)


def _samples_of(audio_data: Any, flag: int, audio_format: AudioFormat) -> np.ndarray:
    name, dtype, zero, full_scale = _SAMPLE_ARRAYS[flag]
    values = np.asarray(getattr(audio_data, name), dtype=dtype)
    check_sound_length(len(values) // audio_format.channels, audio_format.sample_rate)
    if len(values) % audio_format.channels:
        raise ValueError(
            f"expected a multiple of {audio_format.channels} values of {name} (one per channel), got {len(values)}"
        )
    samples = (values.astype(np.float32) - np.float32(zero)) / np.float32(full_scale)
    return samples.reshape(-1, audio_format.channels)


def _samples_from_bytes(data: np.ndarray, audio_format: AudioFormat) -> np.ndarray:
    """Decode bytes uint8 (n,) to float32 (samples, channels)."""
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
            f"expected a multiple of {step} bytes of sound ({audio_format.channels} channels of "
            f"{audio_format.sample_format}), got {len(data)}; correct audio_info or the parameters"
        )
    little = np.ascontiguousarray(data).reshape(-1, size)[:, :: -1 if "BE" in (order, float_order) else 1]
    if is_float:
        values = np.ascontiguousarray(little).view(f"<f{size}").astype(np.float32)
    else:
        values = _integers(little, int(bits), sign == "U")
    return values.reshape(-1, audio_format.channels)


def _integers(little: np.ndarray, bits: int, unsigned: bool) -> np.ndarray:
    """Decode the lowest `bits` of little-endian integers, uint8 (n, bytes), to float32 (n, 1) in [-1, 1)."""
    words = np.zeros((len(little), 4), np.uint8)
    words[:, : little.shape[1]] = little
    highest = words.view("<u4") << np.uint32(32 - bits)  # bits above the sample are shifted out
    if unsigned:
        highest ^= np.uint32(2**31)
    return highest.view("<i4").astype(np.float32) / np.float32(2**31)
