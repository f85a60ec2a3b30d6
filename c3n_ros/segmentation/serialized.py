"""Messages as the bytes that DDS delivers. Deserializing a 1080p image takes a hundred times longer than keeping its bytes, and
only the one in thirty that a window uses is ever decoded; the stamp is read from the bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from c3n_model.messages.stamps import total_nanoseconds

# CDR (OMG DDSI-RTPS 10.2): two bytes name the representation, two are options, then the fields. The last bit of the
# name is the byte order; 0 and 1 are classic CDR, 6 and 7 its second version, which are the same for these fields.
_BYTE_ORDERS = {b"\x00\x00": ">", b"\x00\x01": "<", b"\x00\x06": ">", b"\x00\x07": "<"}
_FIELDS_BEGIN = 4


def stamp_of_serialized(data: bytes) -> int:
    """Return the stamp in nanoseconds of a serialized message that begins with a std_msgs/Header.

    Raises ValueError for too few bytes or a representation that ROS messages do not use, LimitError for a stamp out of range.
    """
    order = _BYTE_ORDERS.get(bytes(data[:2]))
    if order is None or len(data) < _FIELDS_BEGIN + 8:
        raise ValueError(
            f"expected a serialized message with a header, got {len(data)} bytes that begin with {bytes(data[:4])!r}: the "
            "publisher is faulty or uses another definition of the message; `ros2 topic info --verbose` on the topic names it"
        )
    seconds, nanoseconds = struct.unpack_from(f"{order}iI", data, _FIELDS_BEGIN)
    return total_nanoseconds(seconds, nanoseconds)


@dataclass(frozen=True)
class SerializedMessage:
    """A message that is not decoded yet. Windows are cut by its stamp; only what a window uses is decoded.

    `decoder` keeps no state, so that any thread may call it. `topic` is where the message came from.
    """

    stamp_ns: int
    data: bytes
    decoder: Callable[[bytes], Any]
    topic: str = "images"

    def decode(self) -> Any:
        """Return the decoded content. Raises what the decoder raises, ValueError for content that cannot be decoded."""
        return self.decoder(self.data)
