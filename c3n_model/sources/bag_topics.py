"""Choose the camera and microphone topics of a recording if the user did not name them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from rosbags.interfaces import Connection

from c3n_model.messages.compressed import decode_picture
from c3n_model.messages.images import frame_from_compressed, frame_from_image, holds_depth
from c3n_model.sources.bag_types import AUDIO_TYPES, IMAGE_TYPE, IMAGE_TYPES

# Topics that the segmentation node publishes, in any namespace (c3n_ros/topics.py).
OWN_OUTPUTS = re.compile(r"(^|/)sounding_object/")
# Usual topic names of images other than the colour image of a camera.
_NOT_COLOUR = re.compile(
    r"(?i)(^|[/_])(depth|disparity|infra\d?|infrared|ir\d?|thermal|mask|masks|confidence|overlay|debug|left_mono|right_mono|"
    r"segmentation|label|labels|heatmap|costmap|map)([/_]|\d*$)"
)
_COLOUR, _GREY, _UNREADABLE, _DEPTH = range(4)

FirstMessage = Callable[[Connection], Any]


def choose_image(connections: Sequence[Connection], topic: str | None, first_message: FirstMessage) -> Connection:
    """Choose the topic of the camera: `topic`, or the best of those with messages.

    Preferred are, in this order: colour over grey, by the encoding of the first message; names without depth, infrared or
    mask; raw over compressed images; the first in the recording. Depth images and topics of the node itself are never chosen.
    Raises ValueError if no topic is left, or `topic` is missing, empty or of another type.
    """
    if topic is not None:
        return _named(connections, topic, IMAGE_TYPES)
    candidates = [connection for connection in _with_messages(connections, IMAGE_TYPES)]
    others = [connection for connection in candidates if not OWN_OUTPUTS.search(connection.topic)]
    ranked = sorted(others, key=lambda connection: _rank(connection, first_message(connection)))  # stable
    if not ranked or _kind(ranked[0], first_message(ranked[0])) == _DEPTH:
        raise ValueError(_none_left(connections, IMAGE_TYPES, "--image-topic"))
    return ranked[0]


def choose_audio(connections: Sequence[Connection], topic: str | None) -> Connection:
    """Choose the topic of the microphone: `topic`, or the first with messages, stamped ones first. Raises ValueError."""
    if topic is not None:
        return _named(connections, topic, AUDIO_TYPES)
    candidates = _with_messages(connections, AUDIO_TYPES)
    if not candidates:
        raise ValueError(_none_left(connections, AUDIO_TYPES, "--audio-topic"))
    return candidates[0]


def describe_choice(chosen: Connection, connections: Sequence[Connection], named: bool, flag: str) -> list[str]:
    """Return a message with the topic chosen from several and the option that chooses another one; none if named by the user."""
    types = IMAGE_TYPES if chosen.msgtype in IMAGE_TYPES else AUDIO_TYPES
    others = sorted({other.topic for other in _with_messages(connections, types)} - {chosen.topic})
    if named or not others:
        return []
    return [f"{chosen.topic} is read; {flag} chooses another of: {', '.join(others)}"]


def named_topic(connections: Sequence[Connection], topic: str, types: tuple[str, ...]) -> Connection:
    """Return the connection of `topic`. Raises ValueError with a list of the topics if it is missing or of another type."""
    return _named(connections, topic, types, may_be_empty=True)


def _named(
    connections: Sequence[Connection], topic: str, types: tuple[str, ...], may_be_empty: bool = False
) -> Connection:
    fitting = [connection for connection in connections if connection.topic == topic and connection.msgtype in types]
    if not fitting:
        raise ValueError(
            f"expected topic {topic} of type {' or '.join(types)}; the recording has: {list_topics(connections)}"
        )
    chosen = max(fitting, key=lambda connection: connection.msgcount)
    if not chosen.msgcount and not may_be_empty:
        raise ValueError(f"topic {topic} has 0 messages; the recording has: {list_topics(connections)}")
    return chosen


def list_topics(connections: Sequence[Connection]) -> str:
    """List the topics of a recording with their types and numbers of messages."""
    return ", ".join(f"{one.topic} ({one.msgtype}, {one.msgcount} messages)" for one in connections) or "none"


def _none_left(connections: Sequence[Connection], types: tuple[str, ...], flag: str) -> str:
    return (
        f"expected a topic with messages of type {' or '.join(types)} (for images: neither depth nor an output of the "
        f"segmentation node; {flag} names one); the recording has: {list_topics(connections)}"
    )


def _with_messages(connections: Sequence[Connection], types: tuple[str, ...]) -> list[Connection]:
    return [one for name in types for one in connections if one.msgtype == name and one.msgcount]


def _rank(connection: Connection, message: Any) -> tuple:
    kind = _kind(connection, message)
    return kind >= _UNREADABLE, kind, bool(_NOT_COLOUR.search(connection.topic)), connection.msgtype != IMAGE_TYPE


def _kind(connection: Connection, message: Any) -> int:
    """Classify a topic by its first image."""
    try:
        if connection.msgtype == IMAGE_TYPE:
            if holds_depth(message.encoding):
                return _DEPTH
            frame_from_image(message)
            return _GREY if message.encoding.startswith(("mono", "8UC1", "16UC1")) else _COLOUR
        if "compressedDepth" in message.format or holds_depth(message.format.partition(";")[0].strip()):
            return _DEPTH
        frame_from_compressed(message)
        return _GREY if decode_picture(bytes(message.data)).mode in ("1", "L", "LA", "I", "I;16", "F") else _COLOUR
    except (ValueError, AttributeError, TypeError):
        return _UNREADABLE
