"""Message classes by type name."""

from __future__ import annotations

import importlib


def message_class(type_name: str) -> type:
    """Return the class of `type_name`, e.g. "sensor_msgs/msg/Image".

    Raises:
        ValueError: the name has another form, or the message is not installed in this workspace.
    """
    package, name = split_type_name(type_name)
    try:
        return getattr(importlib.import_module(f"{package}.msg"), name)
    except (ImportError, AttributeError):
        raise ValueError(
            f"message type {type_name} is not installed in this workspace: install the package {package} "
            "and source the workspace again"
        ) from None


def split_type_name(type_name: str) -> tuple[str, str]:
    """Return package and message name of a type name. Raises ValueError for a name of another form."""
    parts = type_name.split("/")
    if len(parts) != 3 or parts[1] != "msg":
        raise ValueError(f"expected a message type like sensor_msgs/msg/Image, got {type_name!r}")
    return parts[0], parts[2]
