"""rosbag2 recordings, sqlite3 and mcap, read without ROS: a bag is a source of frames and sound like any other.

Types come from the definitions that a bag carries; bags that carry none (sqlite3 up to Humble) are read with the
standard types of ROS 2 and the audio_common_msgs of ros-drivers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.interfaces import Connection, MessageDefinitionFormat
from rosbags.rosbag2 import Reader
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from c3n_model.sources.messages import (
    AudioFormat,
    chunk_from_audio,
    format_from_info,
    frame_from_image,
    mask_from_image,
    stamp_of,
)
from c3n_model.types import NANOSECONDS_PER_SECOND, AudioChunk, Frame

IMAGE_TYPE = "sensor_msgs/msg/Image"
AUDIO_TYPE = "audio_common_msgs/msg/AudioDataStamped"
INFO_TYPE = "audio_common_msgs/msg/AudioInfo"
STORAGE_SUFFIXES = (".mcap", ".db3")

_INTERFACES = Path(__file__).parent / "interfaces"


class BagSource:
    """The frames and the sound of a bag (a folder with metadata.yaml, or one .mcap or .db3 file), in log-time order.

    Stamps are those of the headers. Sound is read as the bag's AudioInfo says, as AudioFormat's defaults without one.
    Can be iterated again and again. `duration_s` and `name` describe the recording.

    Raises FileNotFoundError if there is nothing at `path`, ValueError if it cannot be read or lacks a topic; while
    iterating, ValueError for a damaged bag or a message that cannot be read.
    """

    def __init__(self, path: Path | str, image_topic: str | None = None, audio_topic: str | None = None):
        """`image_topic`, `audio_topic`: which to take; without a name, the first of the right type."""
        self.path = Path(path)
        self.name = self.path.stem
        with _open(self.path) as reader:
            types = {connection.topic: connection.msgtype for connection in reader.connections}
            self.duration_s = reader.duration / NANOSECONDS_PER_SECOND
            self._message_counts = {connection.topic: connection.msgcount for connection in reader.connections}
        self.image_topic = _choose(self.path, types, IMAGE_TYPE, image_topic)
        self.audio_topic = _choose(self.path, types, AUDIO_TYPE, audio_topic)
        infos = [topic for topic, type_name in types.items() if type_name == INFO_TYPE]
        # Of several microphones each describes itself next to its sound.
        own = [topic for topic in infos if topic.rpartition("/")[0] == self.audio_topic.rpartition("/")[0]]
        self._info_topic = next(iter(own or infos), None)

    def __length_hint__(self) -> int:
        return self._message_counts[self.image_topic] + self._message_counts[self.audio_topic]

    def __iter__(self) -> Iterator[Frame | AudioChunk]:
        audio_format = self._first_format()
        for topic, _, message in messages(self.path, [self.image_topic, self.audio_topic, *self._info_topics()]):
            if topic == self.image_topic:
                yield frame_from_image(message)
            elif topic == self.audio_topic:
                yield chunk_from_audio(message, audio_format)
            else:
                audio_format = format_from_info(message)

    def _info_topics(self) -> list[str]:
        return [self._info_topic] if self._info_topic else []

    def _first_format(self) -> AudioFormat:
        """What the first AudioInfo says: a latched message may have been recorded after the first sound."""
        for _, _, message in messages(self.path, self._info_topics()) if self._info_topic else ():
            return format_from_info(message)
        return AudioFormat()


def topic_types(path: Path | str) -> dict[str, str]:
    """Topics of a bag and their types. Raises FileNotFoundError, or ValueError for a bag that cannot be read."""
    with _open(Path(path)) as reader:
        return {connection.topic: connection.msgtype for connection in reader.connections}


def messages(
    path: Path | str, topics: list[str], definitions: Mapping[str, str] | None = None
) -> Iterator[tuple[str, int, Any]]:
    """(topic, log time in ns, message) of the given topics, in log-time order.

    `definitions` maps type names ("c3n_ros/msg/SoundingObjects") to .msg texts, for bags without definitions of their
    own. Raises FileNotFoundError, or ValueError for a bag that cannot be read or a type that is not known.
    """
    path = Path(path)
    with _open(path) as reader:
        connections = [connection for connection in reader.connections if connection.topic in topics]
        stores = {connection.msgtype: _typestore(path, connection, definitions or {}) for connection in connections}
        if not connections:
            return
        for connection, log_ns, data in reader.messages(connections=connections):
            yield connection.topic, log_ns, stores[connection.msgtype].deserialize_cdr(data, connection.msgtype)


def read_masks(path: Path | str, topic: str = "/sounding_object/mask") -> dict[int, np.ndarray]:
    """The masks that a node published: stamp of the segmented image in ns -> uint8 (H, W), as published.

    Of a stamp that occurs twice (a bag that looped) the last counts. Raises FileNotFoundError, or ValueError for a bag
    that cannot be read or has no such topic.
    """
    _choose(Path(path), topic_types(path), IMAGE_TYPE, topic)
    return {stamp_of(message.header): mask_from_image(message) for _, _, message in messages(path, [topic])}


def standard_types() -> Typestore:
    """The types of ROS 2 and of audio_common_msgs."""
    store = get_typestore(Stores.ROS2_HUMBLE)
    for file in sorted(_INTERFACES.glob("*/msg/*.msg")):
        name = f"{file.parent.parent.name}/msg/{file.stem}"
        store.register(get_types_from_msg(file.read_text(encoding="utf-8"), name))
    return store


def _typestore(path: Path, connection: Connection, definitions: Mapping[str, str]) -> Typestore:
    if connection.msgdef.format == MessageDefinitionFormat.MSG:
        store = get_typestore(Stores.EMPTY)
        store.register(get_types_from_msg(connection.msgdef.data, connection.msgtype))
        return store
    store = standard_types()
    for name, text in definitions.items():
        store.register(get_types_from_msg(text, name))
    if connection.msgtype not in store.types:
        raise ValueError(
            f"{path} has no definition of {connection.msgtype} (topic {connection.topic}): pass its .msg text"
        )
    return store


def _choose(path: Path, types: Mapping[str, str], wanted_type: str, topic: str | None) -> str:
    """`topic`, or the first of `wanted_type`."""
    fitting = [name for name, type_name in types.items() if type_name == wanted_type]
    if topic in fitting or (topic is None and fitting):
        return topic or fitting[0]
    wanted = f"topic {topic} of type {wanted_type}" if topic else f"topic of type {wanted_type}"
    listed = ", ".join(f"{name} ({type_name})" for name, type_name in types.items()) or "none"
    raise ValueError(f"{path} has no {wanted}; its topics are: {listed}")


@contextmanager
def _open(path: Path) -> Iterator[Reader]:
    """An open reader. Whatever the parser stumbles over in a damaged bag, here or while reading, is one ValueError."""
    if not path.exists():
        raise FileNotFoundError(f"no such bag: {path}")
    try:
        with Reader(_storage(path)) as reader:
            yield reader
    except Exception as error:  # sqlite, zstd, struct and the type parser each have their own
        if type(error) is ValueError:  # said by this module
            raise
        raise ValueError(
            f"{path} cannot be read as a bag: {error or type(error).__name__}; if its recording was cut, "
            "`ros2 bag reindex` may repair it"
        ) from error


def _storage(path: Path) -> Path:
    """The bag's folder, or its only storage file where a recorder died before it wrote metadata.yaml."""
    if path.is_file() or (path / "metadata.yaml").is_file():
        return path
    files = [file for file in path.iterdir() if file.suffix in STORAGE_SUFFIXES]
    if len(files) != 1:
        raise ValueError(f"{path} is no bag: it has no metadata.yaml and {len(files)} .mcap or .db3 files")
    return files[0]
