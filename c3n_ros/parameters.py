"""Declares a node's parameters from one table: names, types, descriptions, ranges and defaults.

A table is a frozen dataclass whose fields are made by `parameter`. A set of changes is validated as a whole, including the
table's own checks (`__post_init__`), before it takes effect.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import field, fields, replace
from typing import Any, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node
from rclpy.parameter import Parameter

# When a parameter may change: at any time, while the node is not active, while it is not configured, only at startup.
LIVE, INACTIVE, UNCONFIGURED, START = "live", "inactive", "unconfigured", "start"
_SENTENCES = {
    LIVE: "Changes take effect immediately.",
    INACTIVE: "May change while the node is not active.",
    UNCONFIGURED: "May change while the node is not configured.",
    START: "Read once at startup.",
}
_REMEDIES = {
    INACTIVE: "deactivate the node",
    UNCONFIGURED: "deactivate and clean up the node",
    START: "restart the node",
}


Table = TypeVar("Table")


def parameter(
    default: Any,
    description: str,
    *,
    changes: str,
    pattern: str = "",
    smallest: float | None = None,
    largest: float | None = None,
) -> Any:
    """Return a field of a table: `pattern` must match a whole string, `changes` (LIVE, ...) says when it may change."""
    metadata = {
        "description": description,
        "pattern": pattern,
        "smallest": smallest,
        "largest": largest,
        "changes": changes,
    }
    return field(default=default, metadata=metadata)


def declare(node: Node, name: str, default: Any, descriptor: ParameterDescriptor | None = None) -> Any:
    """Declare one parameter and return the value that the node was started with; a float may be given as a whole number."""
    given = node._parameter_overrides.get(name)  # rclpy has no public access to the values of another type
    is_whole = isinstance(default, float) and given is not None and given.type_ == Parameter.Type.INTEGER
    value = float(given.value) if is_whole else default
    return node.declare_parameter(name, value, descriptor or ParameterDescriptor(), ignore_override=is_whole).value


def whole_numbers_as_floats(node: Node, changes: Iterable[Parameter]) -> list[Parameter]:
    """Return `changes` with whole numbers converted where the parameter is a float, as `ros2 param set ... 1` sends them."""

    def converted(change: Parameter) -> Parameter:
        is_float = node.has_parameter(change.name) and node.get_parameter(change.name).type_ == Parameter.Type.DOUBLE
        if is_float and change.type_ == Parameter.Type.INTEGER:
            return Parameter(change.name, Parameter.Type.DOUBLE, float(change.value))
        return change

    return [converted(change) for change in changes]


def accept_whole_numbers(node: Node) -> None:
    """Let whole numbers serve as floats whenever a parameter of `node` is set, by its services or in its process."""
    if hasattr(node, "add_pre_set_parameters_callback"):
        node.add_pre_set_parameters_callback(lambda changes: whole_numbers_as_floats(node, changes))
        return
    # Humble has no such callback; its services call the node's own method.
    set_each, set_all = node.set_parameters, node.set_parameters_atomically
    node.set_parameters = lambda changes: set_each(whole_numbers_as_floats(node, changes))  # type: ignore[method-assign]
    node.set_parameters_atomically = lambda changes: set_all(whole_numbers_as_floats(node, changes))  # type: ignore[method-assign]


def declare_parameters(node: Node, table: type[Table]) -> Table:
    """Declare `table` on `node` and return the values that the node was started with.

    Raises:
        ValueError: an invalid value; values out of range or of a wrong type raise rclpy's ParameterException.
    """
    values = {entry.name: declare(node, entry.name, entry.default, _descriptor(entry)) for entry in fields(table)}
    accept_whole_numbers(node)
    return table(**_checked(table, values))


def with_changes(parameters: Table, changes: Iterable[Parameter], state: str = LIVE) -> Table:
    """Return `parameters` with those of `changes` that are in the table, all or none; others, like use_sim_time, are ignored.

    Args:
        state: of the node: UNCONFIGURED, INACTIVE, or LIVE while active (always, for a node without a lifecycle).
    Raises:
        ValueError: an invalid value, or a parameter that cannot change in this state.
    """
    allowed = {LIVE: (LIVE,), INACTIVE: (LIVE, INACTIVE), UNCONFIGURED: (LIVE, INACTIVE, UNCONFIGURED)}[state]
    known = {entry.name: entry.metadata["changes"] for entry in fields(parameters)}
    values = {change.name: change.value for change in changes if change.name in known}
    for name, value in values.items():
        if known[name] not in allowed and value != getattr(parameters, name):
            raise ValueError(f"parameter {name} cannot change now: {_REMEDIES[known[name]]} first")
    return replace(parameters, **_checked(type(parameters), values))


def _checked(table: type, values: dict[str, Any]) -> dict[str, Any]:
    for name, value in values.items():
        pattern = table.__dataclass_fields__[name].metadata["pattern"]
        if pattern and not re.fullmatch(pattern, value):
            raise ValueError(f"parameter {name}: expected {pattern}, got {value!r}")
    return values


def _descriptor(entry) -> ParameterDescriptor:
    metadata = entry.metadata
    descriptor = ParameterDescriptor(
        description=f"{metadata['description']} {_SENTENCES[metadata['changes']]}",
        read_only=metadata["changes"] == START,
        additional_constraints=metadata["pattern"],
    )
    if isinstance(entry.default, float):
        descriptor.floating_point_range = [
            FloatingPointRange(from_value=metadata["smallest"], to_value=metadata["largest"])
        ]
    elif isinstance(entry.default, int) and not isinstance(entry.default, bool):
        descriptor.integer_range = [IntegerRange(from_value=metadata["smallest"], to_value=metadata["largest"], step=1)]
    return descriptor
