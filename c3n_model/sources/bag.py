"""rosbag2 recordings, sqlite3 and mcap, read without ROS: a bag is a source of frames and sound like any other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.rosbag2 import Reader

from c3n_model.messages.images import frame_from_compressed, frame_from_image, mask_from_image
from c3n_model.messages.sound_reader import SoundReader
from c3n_model.messages.sounds import AudioFormat
from c3n_model.messages.stamps import stamp_of
from c3n_model.sources.bag_types import (
    AUDIO_TYPE,
    AUDIO_TYPES,
    IMAGE_TYPE,
    IMAGE_TYPES,
    INFO_TYPE,
    MGONZS13_AUDIO_TYPE,
    UNSTAMPED_AUDIO_TYPE,
    dialect_of,
    standard_types,
    typestore_for,
)
from c3n_model.types import NANOSECONDS_PER_SECOND, AudioChunk, Frame

__all__ = [
    "AUDIO_TYPE",
    "IMAGE_TYPE",
    "INFO_TYPE",
    "BagSource",
    "messages",
    "open_bag",
    "read_masks",
    "standard_types",
    "topic_types",
]

STORAGE_SUFFIXES = (".mcap", ".db3")


class BagSource:
    """The frames and the sound of a bag (a folder with metadata.yaml, or one .mcap or .db3 file), in log-time order.

    Images may be compressed; sound may be of either audio_common_msgs, MP3 as well. Stamps are those of the headers, of
    sound without a header its log time less its duration. PCM is read as the bag's AudioInfo says, as AudioFormat's
    defaults without one. Can be iterated again and again. `duration_s` and `name` describe the recording, `notes` are
    lines for people about what had to be guessed.

    Raises FileNotFoundError if there is nothing at `path`, ValueError if it cannot be read or lacks a topic; while
    iterating, ValueError for a damaged bag or a message that cannot be read.
    """

    def __init__(self, path: Path | str, image_topic: str | None = None, audio_topic: str | None = None):
        """`image_topic`, `audio_topic`: which to take; without a name, the first of the right type."""
        self.path = Path(path)
        self.name = self.path.stem
        with open_bag(self.path) as reader:
            types = {connection.topic: connection.msgtype for connection in reader.connections}
            self.duration_s = reader.duration / NANOSECONDS_PER_SECOND
            self._message_counts = {connection.topic: connection.msgcount for connection in reader.connections}
        self.image_topic = _choose(self.path, types, IMAGE_TYPES, image_topic)
        self.audio_topic = _choose(self.path, types, AUDIO_TYPES, audio_topic)
        self._frame_from = frame_from_image if types[self.image_topic] == IMAGE_TYPE else frame_from_compressed
        infos = [topic for topic, type_name in types.items() if type_name == INFO_TYPE]
        # Of several microphones each describes itself next to its sound.
        own = [topic for topic in infos if topic.rpartition("/")[0] == self.audio_topic.rpartition("/")[0]]
        describes_itself = types[self.audio_topic] == MGONZS13_AUDIO_TYPE
        self._info_topic = None if describes_itself else next(iter(own or infos), None)
        self.notes = list(self._notes(types[self.audio_topic]))

    def __length_hint__(self) -> int:
        return self._message_counts[self.image_topic] + self._message_counts[self.audio_topic]

    def __iter__(self) -> Iterator[Frame | AudioChunk]:
        sound = SoundReader()
        # The first AudioInfo before all else: a latched message may have been recorded after the first sound.
        first = next(messages(self.path, self._info_topics()), None)
        if first is not None:
            sound.describe(first[2])
        for topic, log_ns, message in messages(self.path, [self.image_topic, self.audio_topic, *self._info_topics()]):
            try:
                items = self._items(topic, log_ns, message, sound)
            except ValueError as error:
                raise ValueError(f"{self.path}, {topic}, message logged at {log_ns} ns: {error}") from error
            yield from items

    def _items(self, topic: str, log_ns: int, message: Any, sound: SoundReader) -> list[Frame | AudioChunk]:
        if topic == self.image_topic:
            return [self._frame_from(message)]
        if topic == self.audio_topic:
            return sound.read(message, log_ns)
        sound.describe(message)
        return []

    def _info_topics(self) -> list[str]:
        return [self._info_topic] if self._info_topic else []

    def _notes(self, audio_type: str) -> Iterator[str]:
        if audio_type == UNSTAMPED_AUDIO_TYPE:
            yield (
                f"{self.audio_topic} has no stamps: sound is placed by the times at which it was recorded; "
                "record the topic audio_stamped of audio_capture instead"
            )
        if audio_type != MGONZS13_AUDIO_TYPE and self._info_topic is None:
            yield f"nothing in the bag describes the sound of {self.audio_topic}: it is read as {AudioFormat()}"


def topic_types(path: Path | str) -> dict[str, str]:
    """Topics of a bag and their types. Raises FileNotFoundError, or ValueError for a bag that cannot be read."""
    with open_bag(Path(path)) as reader:
        return {connection.topic: connection.msgtype for connection in reader.connections}


def messages(
    path: Path | str, topics: list[str], definitions: Mapping[str, str] | None = None
) -> Iterator[tuple[str, int, Any]]:
    """(topic, log time in ns, message) of the given topics, in log-time order.

    `definitions` maps type names ("c3n_ros/msg/SoundingObjects") to .msg texts, for bags without definitions of their
    own. Raises FileNotFoundError, or ValueError for a bag that cannot be read or a type that is not known.
    """
    path = Path(path)
    with open_bag(path) as reader:
        connections = [connection for connection in reader.connections if connection.topic in topics]
        dialect = dialect_of(connection.msgtype for connection in reader.connections)
        stores = {
            connection.msgtype: typestore_for(path, connection, dialect, definitions or {})
            for connection in connections
        }
        if not connections:
            return
        for connection, log_ns, data in reader.messages(connections=connections):
            yield connection.topic, log_ns, stores[connection.msgtype].deserialize_cdr(data, connection.msgtype)


def read_masks(path: Path | str, topic: str = "/sounding_object/mask") -> dict[int, np.ndarray]:
    """The masks that a node published: stamp of the segmented image in ns -> uint8 (H, W), as published.

    Of a stamp that occurs twice (a bag that looped) the last counts. Raises FileNotFoundError, or ValueError for a bag
    that cannot be read or has no such topic.
    """
    _choose(Path(path), topic_types(path), (IMAGE_TYPE,), topic)
    return {stamp_of(message.header): mask_from_image(message) for _, _, message in messages(path, [topic])}


def _choose(path: Path, types: Mapping[str, str], wanted_types: tuple[str, ...], topic: str | None) -> str:
    """`topic`, or the first of the first of `wanted_types` that the bag has."""
    fitting = [name for wanted in wanted_types for name, type_name in types.items() if type_name == wanted]
    if topic in fitting or (topic is None and fitting):
        return topic or fitting[0]
    listed = ", ".join(f"{name} ({type_name})" for name, type_name in types.items()) or "none"
    wanted = f"topic {topic} of type" if topic else "topic of type"
    raise ValueError(f"{path} has no {wanted} {' or '.join(wanted_types)}; its topics are: {listed}")


@contextmanager
def open_bag(path: Path) -> Iterator[Reader]:
    """Open a bag for reading. Raises FileNotFoundError, or ValueError for any error of a damaged bag, also while reading."""
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
