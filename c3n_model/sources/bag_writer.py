"""Write frames and sound to a rosbag2 recording, like one of a camera driver and audio_capture."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import TracebackType

import numpy as np
from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime

from c3n_model.messages.sounds import AudioFormat, pcm_from_samples
from c3n_model.sources.bag_types import AUDIO_TYPE, COMPRESSED_TYPE, IMAGE_TYPE, INFO_TYPE, standard_types
from c3n_model.sources.safe_writer import SafeWriter
from c3n_model.types import NANOSECONDS_PER_SECOND, AudioChunk, Frame

_UNLIMITED = QosTime(2**31 - 1, 2**32 - 1)
_LATCHED = Qos(
    QosHistory.KEEP_LAST,
    1,
    QosReliability.RELIABLE,
    QosDurability.TRANSIENT_LOCAL,
    _UNLIMITED,
    _UNLIMITED,
    QosLiveliness.AUTOMATIC,
    _UNLIMITED,
    False,
)


class BagWriter:
    """Writes a bag: images as rgb8 or as JPEG, sound as S16LE, and before the first sound its AudioInfo (latched).

    A context manager. Log times are those of a live recorder: the stamp of a frame, the end of a chunk. After an exception the
    unfinished bag is removed.

    Raises ValueError for an unknown storage, FileExistsError if `path` exists.
    """

    def __init__(
        self,
        path: Path | str,
        storage: str = "mcap",
        image_topic: str = "/camera/image_raw",
        audio_topic: str = "/audio/audio_stamped",
        compressed: bool = False,
    ):
        """`compressed`: images are given to `write_jpeg`, not to `write`."""
        self._path = Path(path)
        self._writer = SafeWriter(self._path, storage)
        self._types = standard_types()
        self._topics = {
            COMPRESSED_TYPE if compressed else IMAGE_TYPE: image_topic,
            AUDIO_TYPE: audio_topic,
            INFO_TYPE: audio_topic.rpartition("/")[0] + "/audio_info",
        }
        self._connections = {}
        self._audio_format: AudioFormat | None = None

    def __enter__(self) -> BagWriter:
        self._writer.open()
        for type_name, topic in self._topics.items():
            qos = [_LATCHED] if type_name == INFO_TYPE else []
            self._connections[type_name] = self._writer.add_connection(
                topic, type_name, typestore=self._types, offered_qos_profiles=qos
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.__exit__(kind, error, trace)
        if kind is not None:
            shutil.rmtree(self._path, ignore_errors=True)

    def write(self, item: Frame | AudioChunk) -> None:
        """Append a frame or a chunk, in any order, since readers sort by log time."""
        if isinstance(item, Frame):
            self._write_frame(item)
        else:
            self._write_chunk(item)

    def write_jpeg(self, jpeg: bytes, stamp_ns: int, frame_id: str = "") -> None:
        """Append a JPEG as sensor_msgs/CompressedImage."""
        data = np.frombuffer(jpeg, np.uint8)
        image = self._new(COMPRESSED_TYPE, header=self._header(stamp_ns, frame_id), format="jpeg", data=data)
        self._append(COMPRESSED_TYPE, stamp_ns, image)

    def _write_frame(self, frame: Frame) -> None:
        height, width = frame.rgb.shape[:2]
        image = self._new(
            IMAGE_TYPE,
            header=self._header(frame.stamp_ns, frame.frame_id),
            height=height,
            width=width,
            encoding="rgb8",
            is_bigendian=0,
            step=3 * width,
            data=frame.rgb.reshape(-1),
        )
        self._append(IMAGE_TYPE, frame.stamp_ns, image)

    def _write_chunk(self, chunk: AudioChunk) -> None:
        audio_format = AudioFormat(chunk.sample_rate, chunk.samples.shape[1])
        if audio_format != self._audio_format:
            # The first AudioInfo precedes all sound; a later one precedes the sound that it describes, but no earlier sound.
            info_ns = chunk.stamp_ns if self._audio_format is None else chunk.end_ns - 1
            self._audio_format = audio_format
            info = self._new(
                INFO_TYPE,
                channels=audio_format.channels,
                sample_rate=audio_format.sample_rate,
                sample_format=audio_format.sample_format,
                bitrate=0,
                coding_format=audio_format.coding_format,
            )
            self._append(INFO_TYPE, info_ns, info)
        data = self._new("audio_common_msgs/msg/AudioData", data=pcm_from_samples(chunk.samples))
        self._append(
            AUDIO_TYPE, chunk.end_ns, self._new(AUDIO_TYPE, header=self._header(chunk.stamp_ns, ""), audio=data)
        )

    def _append(self, type_name: str, log_ns: int, message: object) -> None:
        self._writer.write(self._connections[type_name], log_ns, self._types.serialize_cdr(message, type_name))

    def _header(self, stamp_ns: int, frame_id: str) -> object:
        seconds, nanoseconds = divmod(stamp_ns, NANOSECONDS_PER_SECOND)
        stamp = self._new("builtin_interfaces/msg/Time", sec=seconds, nanosec=nanoseconds)
        return self._new("std_msgs/msg/Header", stamp=stamp, frame_id=frame_id)

    def _new(self, type_name: str, **fields: object) -> object:
        return self._types.types[type_name](**fields)
