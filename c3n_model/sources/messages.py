"""ROS messages to nouns and back, without ROS: objects of rclpy and of rosbags both work.

Messages are read by attribute and their bytes through the buffer protocol, whatever holds them (array.array, NumPy,
bytes). The names that live nodes and bag readers share; they are made in `images`, `sounds`, `mp3` and `stamps`.
"""

from __future__ import annotations

from c3n_model.messages.images import frame_from_compressed, frame_from_image, knows_encoding, mask_from_image
from c3n_model.messages.mp3 import MP3_REMEDY, Mp3Decoder
from c3n_model.messages.sound_reader import SoundReader
from c3n_model.messages.sounds import (
    MGONZS13,
    ROS_DRIVERS,
    AudioFormat,
    audio_dialect,
    chunk_from_audio,
    chunk_from_audio_stamped,
    chunk_from_unstamped,
    format_from_info,
    pcm_from_samples,
)
from c3n_model.messages.stamps import nanoseconds, stamp_of

__all__ = [
    "MGONZS13",
    "MP3_REMEDY",
    "ROS_DRIVERS",
    "AudioFormat",
    "Mp3Decoder",
    "SoundReader",
    "audio_dialect",
    "chunk_from_audio",
    "chunk_from_audio_stamped",
    "chunk_from_unstamped",
    "format_from_info",
    "frame_from_compressed",
    "frame_from_image",
    "knows_encoding",
    "mask_from_image",
    "nanoseconds",
    "pcm_from_samples",
    "stamp_of",
]
