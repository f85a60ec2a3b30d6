"""Times of ROS messages as nanoseconds."""

from __future__ import annotations

from typing import Any

from c3n_model.types import NANOSECONDS_PER_SECOND


def stamp_of(header: Any) -> int:
    """The stamp of a std_msgs/Header in nanoseconds."""
    return nanoseconds(header.stamp)


def nanoseconds(time: Any) -> int:
    """A builtin_interfaces/Time in nanoseconds."""
    return int(time.sec) * NANOSECONDS_PER_SECOND + int(time.nanosec)
