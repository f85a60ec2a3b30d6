"""Message types of bags: as defined in the bag, otherwise the definitions that come with this package.

Two packages are called audio_common_msgs (see `messages.sounds`). For a bag without definitions (sqlite3 up to Humble) the one
of mgonzs13 is used if a topic has a type that only that package defines.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from rosbags.interfaces import Connection, MessageDefinitionFormat
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from c3n_model.messages.sounds import MGONZS13, ROS_DRIVERS

IMAGE_TYPE = "sensor_msgs/msg/Image"
COMPRESSED_TYPE = "sensor_msgs/msg/CompressedImage"
AUDIO_TYPE = "audio_common_msgs/msg/AudioDataStamped"
MGONZS13_AUDIO_TYPE = "audio_common_msgs/msg/AudioStamped"
UNSTAMPED_AUDIO_TYPE = "audio_common_msgs/msg/AudioData"
INFO_TYPE = "audio_common_msgs/msg/AudioInfo"
IMAGE_TYPES = (IMAGE_TYPE, COMPRESSED_TYPE)  # in the order of preference
AUDIO_TYPES = (AUDIO_TYPE, MGONZS13_AUDIO_TYPE, UNSTAMPED_AUDIO_TYPE)

_INTERFACES = {
    ROS_DRIVERS: Path(__file__).parent / "interfaces",
    MGONZS13: Path(__file__).parent / "interfaces_mgonzs13",
}


def standard_types(dialect: str = ROS_DRIVERS) -> Typestore:
    """Return the types of ROS 2 and of the audio_common_msgs of `dialect`."""
    store = get_typestore(Stores.ROS2_HUMBLE)
    for file in sorted(_INTERFACES[dialect].glob("*/msg/*.msg")):
        name = f"{file.parent.parent.name}/msg/{file.stem}"
        store.register(get_types_from_msg(file.read_text(encoding="utf-8"), name))
    return store


def dialect_of(type_names: Iterable[str]) -> str:
    """Return which package audio_common_msgs a bag with topics of these types was recorded with."""
    return MGONZS13 if MGONZS13_AUDIO_TYPE in type_names else ROS_DRIVERS


def typestore_for(path: Path, connection: Connection, dialect: str, definitions: Mapping[str, str]) -> Typestore:
    """Return the types for decoding the messages of a connection.

    Raises ValueError for a type without a definition, one that cannot be parsed, or one whose fields differ from the standard
    definition.
    """
    standard = standard_types(dialect)
    if connection.msgdef.format != MessageDefinitionFormat.MSG:
        for name, text in definitions.items():
            standard.register(get_types_from_msg(text, name))
        if connection.msgtype not in standard.types:
            raise ValueError(
                f"{path} has no definition of {connection.msgtype} (topic {connection.topic}): pass its .msg text"
            )
        return standard
    store = get_typestore(Stores.EMPTY)
    try:
        store.register(get_types_from_msg(connection.msgdef.data, connection.msgtype))
    except Exception as error:  # the parser and the type store raise several types
        raise ValueError(f"{path} has a damaged definition of {connection.msgtype}: {error}") from error
    _check_fields(path, connection, store, standard)
    return store


def _check_fields(path: Path, connection: Connection, store: Typestore, standard: Typestore) -> None:
    """Refuse a definition that lacks a field of the standard one or has it with another type."""
    for name in [connection.msgtype, *store.fielddefs]:
        if name not in standard.fielddefs or (
            name != connection.msgtype and connection.msgtype not in standard.fielddefs
        ):
            continue
        expected, got = (
            dict(types.fielddefs[name][1]) if name in types.fielddefs else {} for types in (standard, store)
        )
        different = [field for field in expected if got.get(field) != expected[field]]
        if different:
            raise ValueError(
                f"{path}, topic {connection.topic}: expected the standard definition of {name}, got one whose field "
                f"{different[0]!r} is missing or has another type; record the bag again with the released message package"
            )
