"""The message types of bags: from the definitions that a bag carries, else from those that are known here.

Two packages are called audio_common_msgs (see `sounds`). A bag without definitions (sqlite3 up to Humble) is of mgonzs13's
if it has a topic of a type that only that one knows.
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
IMAGE_TYPES = (IMAGE_TYPE, COMPRESSED_TYPE)  # the first is the first to be taken
AUDIO_TYPES = (AUDIO_TYPE, MGONZS13_AUDIO_TYPE, UNSTAMPED_AUDIO_TYPE)

_INTERFACES = {
    ROS_DRIVERS: Path(__file__).parent / "interfaces",
    MGONZS13: Path(__file__).parent / "interfaces_mgonzs13",
}


def standard_types(dialect: str = ROS_DRIVERS) -> Typestore:
    """The types of ROS 2 and of the audio_common_msgs of `dialect`."""
    store = get_typestore(Stores.ROS2_HUMBLE)
    for file in sorted(_INTERFACES[dialect].glob("*/msg/*.msg")):
        name = f"{file.parent.parent.name}/msg/{file.stem}"
        store.register(get_types_from_msg(file.read_text(encoding="utf-8"), name))
    return store


def dialect_of(type_names: Iterable[str]) -> str:
    """Whose audio_common_msgs a bag with topics of these types was recorded with."""
    return MGONZS13 if MGONZS13_AUDIO_TYPE in type_names else ROS_DRIVERS


def typestore_for(path: Path, connection: Connection, dialect: str, definitions: Mapping[str, str]) -> Typestore:
    """What the messages of a connection are read with. Raises ValueError for a type that nobody defines."""
    if connection.msgdef.format == MessageDefinitionFormat.MSG:
        store = get_typestore(Stores.EMPTY)
        store.register(get_types_from_msg(connection.msgdef.data, connection.msgtype))
        return store
    store = standard_types(dialect)
    for name, text in definitions.items():
        store.register(get_types_from_msg(text, name))
    if connection.msgtype not in store.types:
        raise ValueError(
            f"{path} has no definition of {connection.msgtype} (topic {connection.topic}): pass its .msg text"
        )
    return store
