"""Message types by name: the Python class, and the definition text that a bag carries."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore


def message_class(type_name: str) -> type:
    """The class of `type_name`, e.g. "sensor_msgs/msg/Image".

    Raises:
        ValueError: the name is not of that form, or no such message is installed in this workspace.
    """
    package, name = _split(type_name)
    try:
        return getattr(importlib.import_module(f"{package}.msg"), name)
    except (ImportError, AttributeError):
        raise ValueError(
            f"message type {type_name} is not installed in this workspace: install the package {package} "
            "and source the workspace again"
        ) from None


def installed_types(type_names: list[str]) -> Typestore:
    """A rosbags type store of `type_names` and all they contain, read from the .msg files of the sourced workspace.

    Raises:
        ValueError: a message, or one inside it, is not installed.
    """
    store = get_typestore(Stores.EMPTY)
    waiting = list(type_names)
    while waiting:
        name = waiting.pop()
        if name in store.types:
            continue
        fields = get_types_from_msg(_definition(name), name)
        store.register(fields)
        waiting += [inner for _, members in fields.values() for _, member in members for inner in _names_in(member)]
    return store


def _names_in(member) -> list[str]:
    kind, content = member
    if kind == Nodetype.NAME:
        return [content]
    if kind in (Nodetype.ARRAY, Nodetype.SEQUENCE):
        return _names_in(content[0])
    return []


def _definition(type_name: str) -> str:
    package, name = _split(type_name)
    for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep):
        path = Path(prefix, "share", package, "msg", f"{name}.msg")
        if prefix and path.exists():
            return path.read_text(encoding="utf-8")
    raise ValueError(
        f"no definition of {type_name} in this workspace: install the package {package} and source the workspace again"
    )


def _split(type_name: str) -> tuple[str, str]:
    parts = type_name.split("/")
    if len(parts) != 3 or parts[1] != "msg":
        raise ValueError(f"expected a message type like sensor_msgs/msg/Image, got {type_name!r}")
    return parts[0], parts[2]
