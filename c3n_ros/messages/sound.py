"""PCM to messages of the installed audio_common_msgs. The opposite direction is c3n_model.messages.sounds."""

from __future__ import annotations

from array import array
from types import ModuleType
from typing import Any

from std_msgs.msg import Header

from c3n_model.messages.sounds import MGONZS13, audio_dialect
from c3n_ros.messages.conversions import time_message

_PORTAUDIO_INT16 = 8


class SoundMessages:
    """Converts interleaved S16LE of one rate and number of channels to messages.

    `stamped_type` is the class of its messages: ros-drivers' AudioDataStamped or mgonzs13's AudioStamped. Raises ValueError
    for a module of neither package.
    """

    def __init__(self, module: ModuleType | Any, sample_rate: int, channels: int, frame_id: str = ""):
        """`module` is `audio_common_msgs.msg`."""
        self._module, self._sample_rate, self._channels, self._frame_id = module, sample_rate, channels, frame_id
        self._is_mgonzs13 = audio_dialect(module) == MGONZS13
        self.stamped_type = module.AudioStamped if self._is_mgonzs13 else module.AudioDataStamped

    def stamped(self, pcm: bytes, stamp_ns: int) -> Any:
        """Return a message; `stamp_ns` belongs to its first sample."""
        header = Header(stamp=time_message(stamp_ns), frame_id=self._frame_id)
        if not self._is_mgonzs13:
            return self.stamped_type(header=header, audio=self._module.AudioData(data=_array("B", pcm)))
        info = self._module.AudioInfo(
            format=_PORTAUDIO_INT16,
            channels=self._channels,
            rate=self._sample_rate,
            chunk=len(pcm) // (2 * self._channels),
        )
        data = self._module.AudioData(int16_data=_array("h", pcm))
        return self.stamped_type(header=header, audio=self._module.Audio(audio_data=data, info=info))

    def info(self) -> Any | None:
        """Return ros-drivers' AudioInfo, to be latched; None for mgonzs13's, whose messages describe themselves."""
        if self._is_mgonzs13:
            return None
        return self._module.AudioInfo(
            channels=self._channels,
            sample_rate=self._sample_rate,
            sample_format="S16LE",
            bitrate=self._sample_rate * self._channels * 16,
            coding_format="wave",
        )


def _array(kind: str, content: bytes) -> array:
    """Return an array: rclpy copies it as a block, other sequences element by element."""
    values = array(kind)
    values.frombytes(content)
    return values
