"""A line of /diagnostics, before it is a message."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum


class Level(IntEnum):
    """diagnostic_msgs/DiagnosticStatus's numbers."""

    OK = 0
    WARN = 1
    ERROR = 2
    STALE = 3


@dataclass(frozen=True)
class Status:
    """What it is about, how bad it is, what is so and what to do, and figures as text."""

    name: str
    level: Level
    message: str
    values: dict[str, str] = field(default_factory=dict)
