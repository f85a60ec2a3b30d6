"""One status of /diagnostics, before it becomes a message."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum


class Level(IntEnum):
    """The levels of diagnostic_msgs/DiagnosticStatus."""

    OK = 0
    WARN = 1
    ERROR = 2
    STALE = 3


@dataclass(frozen=True)
class Status:
    """A component's name and level, a message with cause and remedy, and values as text."""

    name: str
    level: Level
    message: str
    values: dict[str, str] = field(default_factory=dict)
