"""Stamps from the bytes of a message, without unpacking it."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rclpy.serialization import serialize_message
from robot import BEGIN_NS, image_message

from c3n_ros.segmentation.serialized import stamp_of_serialized


@pytest.mark.parametrize(
    "representation, order", [(b"\x00\x00", ">"), (b"\x00\x01", "<"), (b"\x00\x06", ">"), (b"\x00\x07", "<")]
)
@pytest.mark.parametrize("seconds, nanoseconds", [(1_700_000_000, 123_456_789), (2**31 - 1, 999_999_999), (0, 0)])
def test_both_byte_orders(representation, order, seconds, nanoseconds):
    data = representation + b"\x00\x00" + struct.pack(f"{order}iI", seconds, nanoseconds) + b"\x07\x00\x00\x00camera"
    assert stamp_of_serialized(data) == seconds * 1_000_000_000 + nanoseconds


def test_stamps_serialized_by_the_middleware():
    assert stamp_of_serialized(serialize_message(image_message(BEGIN_NS + 7))) == BEGIN_NS + 7


@pytest.mark.parametrize("seconds, nanoseconds", [(-2, 999_999_999), (-(2**31), 0), (5, 1_000_000_000), (0, 2**32 - 1)])
def test_stamps_out_of_range_are_refused(seconds, nanoseconds):
    with pytest.raises(ValueError, match=f"{seconds} s and {nanoseconds} ns"):
        stamp_of_serialized(b"\x00\x01\x00\x00" + struct.pack("<iI", seconds, nanoseconds))


@given(st.binary(max_size=64) | st.binary(max_size=16).map(lambda rest: b"\x00\x01\x00\x00" + rest))
def test_any_bytes_have_a_stamp_or_are_refused(data):
    try:
        assert 0 <= stamp_of_serialized(data) < 2**31 * 1_000_000_000
    except ValueError as error:
        assert "expected" in str(error) and "got" in str(error)


@pytest.mark.parametrize(
    "data", [b"abc", b"", b"\x00\x01\x00\x00\x00\x00\x00\x00", b"\x00\x03" + bytes(20), b"\xff\xd8" + bytes(20)]
)
def test_other_bytes_are_refused(data):
    with pytest.raises(ValueError, match=f"got {len(data)} bytes.*ros2 topic info --verbose"):
        stamp_of_serialized(data)
