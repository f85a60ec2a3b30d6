"""Messages as the bytes that DDS delivers. A 1080p image takes a hundred times longer to unpack than to keep packed, and
only the one in thirty that a window uses is ever looked at; its stamp is read from the bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from c3n_model.messages.stamps import total_nanoseconds

# CDR (OMG DDSI-RTPS 10.2): two bytes name the representation, two are options, then the fields. The last bit of the
# name tells the byte order; 0 and 1 are classic CDR, 6 and 7 its second version, which are the same for these fields.
_BYTE_ORDERS = {b"\x00\x00": ">", b"\x00\x01": "<", b"\x00\x06": ">", b"\x00\x07": "<"}
_FIELDS_BEGIN = 4


def stamp_of_serialized(data: bytes) -> int:
    """The stamp in nanoseconds of a serialized message that begins with a std_msgs/Header.

    Raises ValueError for bytes that are too few or in a representation that ROS messages do not have, LimitError for a
    stamp out of range.
    """
    order = _BYTE_ORDERS.get(bytes(data[:2]))
    if order is None or len(data) < _FIELDS_BEGIN + 8:
        raise ValueError(
            f"expected a serialized message with a header, got {len(data)} bytes from {bytes(data[:4])!r} on: the publisher "
            "is damaged or uses another definition of that message; `ros2 topic info --verbose` on the topic names it"
        )
    seconds, nanoseconds = struct.unpack_from(f"{order}iI", data, _FIELDS_BEGIN)
    return total_nanoseconds(seconds, nanoseconds)


@dataclass(frozen=True)
class Packed:
    """A message that is still bytes. Windows are cut by stamps; `unpack` makes what the message holds, for the one that a
    window uses, and raises where it cannot be read. `topic` is where it came from."""

    stamp_ns: int
    data: bytes
    unpack: Callable[[bytes], Any]
    topic: str = "images"

    def content(self) -> Any:
        """What `unpack` makes of the bytes."""
        return self.unpack(self.data)
