"""Decoders of serialized messages, for the threads behind the callbacks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sensor_msgs.msg import Image, PointCloud2

from c3n_model.messages.limits import check_cloud_size, check_image_size
from c3n_model.messages.sounds import AudioFormat
from c3n_model.streaming.channels import CancellationCheck, cancellation_warning, select_channels
from c3n_model.types import AudioChunk
from c3n_ros.geometry.depth import depth_from_image, points_from_cloud
from c3n_ros.health.arrivals import Arrivals
from c3n_ros.health.guard import in_one_line
from c3n_ros.health.ros_guard import deserialize
from c3n_ros.segmentation.audio_decoder import AudioDecoder
from c3n_ros.segmentation.sound_direction import DirectionInput


@dataclass(frozen=True)
class MessageDecoder:
    """Decodes serialized messages of one type: deserializes, then converts. Keeps no state: any thread may call it."""

    message_class: type
    convert: Callable[[Any], Any]

    def __call__(self, data: bytes) -> Any:
        """Return the converted message. Raises ValueError for bytes that are not such a message or cannot be converted."""
        return self.convert(deserialize(data, self.message_class))


class AudioIntake:
    """Decodes the microphone's messages and records them in `arrivals`. Owned by the pipeline's intake thread."""

    def __init__(
        self,
        message_class: type,
        assumed: AudioFormat,
        warn: Callable[[str], None],
        arrivals: Arrivals,
        direction: DirectionInput,
    ) -> None:
        """`assumed` and `warn` are those of AudioDecoder; `direction` knows the channels to use and those of a microphone array."""
        self._message_class, self._arrivals, self._direction = message_class, arrivals, direction
        self._cancellation = CancellationCheck()
        self._decoder = AudioDecoder(assumed, warn)

    def decode(self, data: bytes, arrival_ns: int) -> Iterator[AudioChunk]:
        """Yield the sound that a serialized message completes. Raises ValueError where it cannot be decoded."""
        return self._recorded(self._deserialized(data, arrival_ns))

    def describe(self, info: Any) -> Iterator[AudioChunk]:
        """Take an AudioInfo and yield the sound that waited for it. Raises ValueError for an unsupported format."""
        return self._recorded(self._decoder.describe(info))

    def _deserialized(self, data: bytes, arrival_ns: int) -> Iterator[AudioChunk]:
        yield from self._decoder.decode(deserialize(data, self._message_class), arrival_ns)

    def _recorded(self, chunks: Iterator[AudioChunk]) -> Iterator[AudioChunk]:
        try:
            for received in chunks:
                chunk = select_channels(self._direction.with_microphones(received), self._direction.used_channels)
                is_cancelled = self._cancellation.add(chunk)
                self._arrivals.refused = ""
                self._arrivals.unfit = cancellation_warning("audio_use_channels:=0") if is_cancelled else ""
                self._arrivals.add(time.monotonic(), chunk.stamp_ns, chunk.end_ns)
                yield chunk
        except Exception as error:
            self._arrivals.refused = in_one_line(error)
            raise


@dataclass(frozen=True)
class SoundMessage:
    """A serialized message of the microphone and its time of arrival, for the intake thread."""

    topic: str
    data: bytes
    arrival_ns: int
    intake: AudioIntake

    def chunks(self) -> Iterator[AudioChunk]:
        """Yield the sound that this message completes; called in the intake thread."""
        return self.intake.decode(self.data, self.arrival_ns)


@dataclass(frozen=True)
class SoundDescription:
    """An AudioInfo, for the intake thread: it belongs between the sounds before and after it."""

    topic: str
    info: Any
    intake: AudioIntake

    def chunks(self) -> Iterator[AudioChunk]:
        """Yield the sound that waited for this description; called in the intake thread."""
        return self.intake.describe(self.info)


def decode_depth(message: Image) -> np.ndarray:
    """Return the depth of an image of plausible size; see `depth_from_image`."""
    check_image_size(message.width, message.height)
    return depth_from_image(message)


def decode_points(message: PointCloud2) -> np.ndarray:
    """Return the points of a cloud of plausible size; see `points_from_cloud`."""
    check_cloud_size(message.width, message.height)
    return points_from_cloud(message)
