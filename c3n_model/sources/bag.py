"""Read rosbag2 recordings (sqlite3 and mcap) without ROS, as a source of frames and sound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.interfaces import Connection

from c3n_model.messages.images import frame_from_compressed, frame_from_image, mask_from_image
from c3n_model.messages.sound_reader import SoundReader
from c3n_model.messages.sounds import AudioFormat
from c3n_model.messages.stamps import stamp_of
from c3n_model.sources.bag_storage import BagReader, open_bag
from c3n_model.sources.bag_topics import choose_audio, choose_image, describe_choice, named_topic
from c3n_model.sources.bag_types import (
    AUDIO_TYPE,
    IMAGE_TYPE,
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


class BagSource:
    """The frames and the sound of a bag (a folder with metadata.yaml, or one .mcap or .db3 file), in log-time order.

    Images may be compressed; sound may be of either package audio_common_msgs, also MP3. Stamps are those of the headers; if a
    header is missing or its stamp is 0, the log time, minus the duration for sound. PCM has the format of the bag's AudioInfo,
    or AudioFormat's defaults without one. Can be iterated several times. `duration_s` and `name` describe the recording;
    `notes` are messages for the user about what was chosen, assumed or unreadable, complete after the first iteration.

    Raises FileNotFoundError if `path` does not exist, ValueError if it cannot be read or has no such topic; while iterating,
    ValueError for a damaged bag or a message that cannot be read.
    """

    has_sound = True

    def __init__(self, path: Path | str, image_topic: str | None = None, audio_topic: str | None = None):
        """`image_topic`, `audio_topic`: the topics to read; None chooses them as described in `bag_topics`."""
        self.path = Path(path)
        self.name = self.path.stem
        with open_bag(self.path) as reader:
            connections = reader.connections
            image = choose_image(connections, image_topic, lambda one: _first_message(self.path, reader, one))
            audio = choose_audio(connections, audio_topic)
            self.duration_s = reader.duration / NANOSECONDS_PER_SECOND
            self.notes = [*reader.notes]
        self.image_topic, self.audio_topic = image.topic, audio.topic
        self._message_count = image.msgcount + audio.msgcount
        self._frame_from = frame_from_image if image.msgtype == IMAGE_TYPE else frame_from_compressed
        infos = [one.topic for one in connections if one.msgtype == INFO_TYPE and one.msgcount]
        # With several microphones, the AudioInfo of each is in the namespace of its sound.
        own = [topic for topic in infos if topic.rpartition("/")[0] == audio.topic.rpartition("/")[0]]
        describes_itself = audio.msgtype == MGONZS13_AUDIO_TYPE
        info_topic = None if describes_itself else next(iter(own or infos), None)
        self._info_topics = [info_topic] if info_topic else []
        self.notes += describe_choice(image, connections, image_topic is not None, "--image-topic")
        self.notes += describe_choice(audio, connections, audio_topic is not None, "--audio-topic")
        self.notes += self._notes_on_sound(audio.msgtype)

    def __length_hint__(self) -> int:
        return self._message_count

    def __iter__(self) -> Iterator[Frame | AudioChunk]:
        sound = SoundReader()
        # Read the first AudioInfo before anything else: a latched message may have been recorded after the first sound.
        first = next(messages(self.path, self._info_topics), None)
        if first is not None:
            sound.describe(first[2])
        topics = [self.image_topic, self.audio_topic, *self._info_topics]
        for topic, log_ns, message in messages(self.path, topics):
            try:
                items = self._items(topic, log_ns, message, sound)
            except ValueError as error:
                raise ValueError(f"{self.path}, {topic}, message logged at {log_ns} ns: {error}") from error
            yield from items

    def _items(self, topic: str, log_ns: int, message: Any, sound: SoundReader) -> list[Frame | AudioChunk]:
        if topic not in (self.image_topic, self.audio_topic):
            sound.describe(message)
            return []
        unstamped = hasattr(message, "header") and stamp_of(message.header) == 0
        if unstamped:
            self._add_note(f"{topic} has stamps of 0: the times of recording are used instead")
        if topic == self.image_topic:
            frame = self._frame_from(message)
            return [replace(frame, stamp_ns=log_ns) if unstamped else frame]
        if not unstamped:
            return sound.read(message, log_ns)
        return sound.read_unstamped(message, log_ns)

    def _add_note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)

    def _notes_on_sound(self, audio_type: str) -> Iterator[str]:
        if audio_type == UNSTAMPED_AUDIO_TYPE:
            yield (
                f"{self.audio_topic} has no stamps: the times of recording are used instead; "
                "record the topic audio_stamped of audio_capture"
            )
        if audio_type != MGONZS13_AUDIO_TYPE and not self._info_topics:
            yield f"the bag has no AudioInfo for {self.audio_topic}: its sound is read as {AudioFormat()}"


def topic_types(path: Path | str) -> dict[str, str]:
    """Return topic -> type of a bag. Raises FileNotFoundError, or ValueError for a bag that cannot be read."""
    with open_bag(Path(path)) as reader:
        return {connection.topic: connection.msgtype for connection in reader.connections}


def messages(
    path: Path | str, topics: list[str], definitions: Mapping[str, str] | None = None
) -> Iterator[tuple[str, int, Any]]:
    """Yield (topic, log time in ns, message) of the given topics, in log-time order.

    `definitions` maps type names ("c3n_ros/msg/SoundingObjects") to .msg texts, for bags without definitions. Raises
    FileNotFoundError, or ValueError for a bag that cannot be read or has fewer messages than its index says, or for a type that
    is unknown or defined differently.
    """
    path = Path(path)
    with open_bag(path) as reader:
        yield from _decoded(path, reader, [one for one in reader.connections if one.topic in topics], definitions or {})


def read_masks(path: Path | str, topic: str = "/sounding_object/mask") -> dict[int, np.ndarray]:
    """Read the masks that a node published: stamp of the segmented image in ns -> uint8 (H, W), as published.

    If a stamp occurs twice (a looping bag), the last mask is returned. Raises FileNotFoundError, or ValueError for a bag that
    cannot be read or has no such topic.
    """
    with open_bag(Path(path)) as reader:
        named_topic(reader.connections, topic, (IMAGE_TYPE,))
    return {stamp_of(message.header): mask_from_image(message) for _, _, message in messages(path, [topic])}


def _decoded(
    path: Path, reader: BagReader, connections: list[Connection], definitions: Mapping[str, str]
) -> Iterator[tuple[str, int, Any]]:
    dialect = dialect_of(connection.msgtype for connection in reader.connections)
    stores = {one.msgtype: typestore_for(path, one, dialect, definitions) for one in connections}
    for connection, log_ns, data in reader.messages(connections):
        yield connection.topic, log_ns, stores[connection.msgtype].deserialize_cdr(data, connection.msgtype)


def _first_message(path: Path, reader: BagReader, connection: Connection) -> Any:
    """Return the first message of a connection, None if it cannot be decoded."""
    try:
        return next(_decoded(path, reader, [connection], {}))[2]
    except Exception:  # its definition or data is damaged, which is reported if the topic is chosen
        return None
