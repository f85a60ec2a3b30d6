"""Convert times of ROS messages to nanoseconds."""

from __future__ import annotations

from typing import Any

from c3n_model.messages.limits import check_stamp
from c3n_model.types import NANOSECONDS_PER_SECOND


def stamp_of(header: Any) -> int:
    """Return the stamp of a std_msgs/Header in nanoseconds. Raises LimitError as `total_nanoseconds`."""
    return nanoseconds(header.stamp)


def nanoseconds(time: Any) -> int:
    """Convert a builtin_interfaces/Time to nanoseconds. Raises LimitError as `total_nanoseconds`."""
    return total_nanoseconds(int(time.sec), int(time.nanosec))


def total_nanoseconds(sec: int, nanosec: int) -> int:
    """Convert the fields of a builtin_interfaces/Time to nanoseconds.

    Raises LimitError (a ValueError) for a time before 1970 and for a `nanosec` of a second or more.
    """
    check_stamp(sec, nanosec)
    return sec * NANOSECONDS_PER_SECOND + nanosec
