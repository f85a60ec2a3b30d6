import numpy as np
import pytest

from c3n_model.streaming.frame_buffer import FrameBuffer
from c3n_model.types import Frame

SECOND = 1_000_000_000
MILLISECOND = 1_000_000


def frame(stamp_ns, value=0):
    return Frame(np.full((2, 3, 3), value, np.uint8), stamp_ns)


def test_keeps_the_frame_nearest_to_15_16_of_each_second_in_any_order():
    stamps = [round(number * SECOND / 30) for number in range(5, 90)]
    for order in (stamps, stamps[::-1]):
        buffer = FrameBuffer(max_skew_ns=150 * MILLISECOND)
        for stamp_ns in order:
            buffer.add(frame(stamp_ns))
        assert len(buffer) == 3
        assert [buffer.take(second * SECOND).stamp_ns for second in range(3)] == [
            round((28 + 30 * k) * SECOND / 30) for k in range(3)
        ]


def test_the_earlier_of_equally_near_frames_is_kept_and_the_first_of_equal_stamps():
    target = SECOND * 15 // 16
    buffer = FrameBuffer(max_skew_ns=150 * MILLISECOND)
    for stamp_ns, value in [(target + 10, 1), (target - 10, 2), (target - 10, 3)]:
        buffer.add(frame(stamp_ns, value))
    assert buffer.take(0).rgb[0, 0, 0] == 2


def test_a_distant_frame_is_not_kept_but_advances_time():
    buffer = FrameBuffer(max_skew_ns=50 * MILLISECOND)
    buffer.add(frame(800 * MILLISECOND))
    assert len(buffer) == 0 and not buffer.is_decided(0)
    buffer.add(frame(1200 * MILLISECOND))
    assert buffer.is_decided(0) and buffer.take(0) is None


def test_a_frame_just_after_the_second_may_be_its_nearest():
    buffer = FrameBuffer(max_skew_ns=150 * MILLISECOND)
    buffer.add(frame(1010 * MILLISECOND))
    assert buffer.take(0).stamp_ns == 1010 * MILLISECOND


def test_is_bounded():
    buffer = FrameBuffer(max_skew_ns=150 * MILLISECOND, capacity=4)
    for second in range(1000):
        buffer.add(frame(second * SECOND + 940 * MILLISECOND))
    assert len(buffer) == 4 and buffer.take(999 * SECOND) is not None


def test_taking_forgets_earlier_seconds():
    buffer = FrameBuffer(max_skew_ns=150 * MILLISECOND)
    for second in range(3):
        buffer.add(frame(second * SECOND + 940 * MILLISECOND))
    buffer.take(1 * SECOND)
    assert len(buffer) == 1


def test_refuses_a_skew_of_half_a_second():
    with pytest.raises(ValueError, match="half a second"):
        FrameBuffer(max_skew_ns=SECOND // 2)
