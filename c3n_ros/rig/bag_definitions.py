"""Message definitions that a recorded bag carries."""

from __future__ import annotations

import os
from pathlib import Path

from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from c3n_ros.messages.message_types import split_type_name


def installed_types(type_names: list[str]) -> Typestore:
    """Return a rosbags type store of `type_names` and all they contain, read from the .msg files of the sourced workspace.

    Raises:
        ValueError: a message, or one nested in it, is not installed.
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
    package, name = split_type_name(type_name)
    for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep):
        path = Path(prefix, "share", package, "msg", f"{name}.msg")
        if prefix and path.exists():
            return path.read_text(encoding="utf-8")
    raise ValueError(
        f"no definition of {type_name} in this workspace: install the package {package} and source the workspace again"
    )
