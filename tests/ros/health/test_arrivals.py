"""What came in on a topic, in figures."""

import pytest

from c3n_ros.health.arrivals import Arrivals, QoS

SECOND_NS = 1_000_000_000
START_NS = 1_700_000_000 * SECOND_NS


def sound_at(arrivals, begin_s, end_s, piece_s=0.1, delay_s=0.0, clock_ns=START_NS):
    """Pieces of sound, each arriving when its last sample is over."""
    for number in range(round(begin_s / piece_s), round(end_s / piece_s)):
        begin_ns, length_ns = round(number * piece_s * SECOND_NS), round(piece_s * SECOND_NS)
        arrivals.add((number + 1) * piece_s + delay_s, clock_ns + begin_ns, clock_ns + begin_ns + length_ns)


def test_no_message_arrived():
    arrivals = Arrivals("/sound")
    assert arrivals.recent(1.0) is None and arrivals.age_s(1.0) is None and arrivals.count == 0


def test_rate_and_age_are_of_arrival():
    arrivals = Arrivals("/images")
    for number in range(31):
        arrivals.add(number / 30, START_NS)
    recent = arrivals.recent(1.5)
    assert recent.rate_hz == pytest.approx(30) and recent.age_s == pytest.approx(0.5) and arrivals.count == 31


def test_old_messages_do_not_count():
    arrivals = Arrivals("/images")
    for second in range(100):
        arrivals.add(float(second), START_NS)
    assert arrivals.recent(99.0).rate_hz == pytest.approx(1.0)
    assert arrivals.recent(104.5) is None and arrivals.age_s(104.5) == pytest.approx(5.5)


def test_a_tenth_of_a_second_missing_in_a_second():
    arrivals = Arrivals("/sound")
    sound_at(arrivals, 0.0, 0.5)
    sound_at(arrivals, 0.6, 1.0)
    assert arrivals.recent(1.0).gap_ratio == pytest.approx(0.1)


def test_a_clock_jump_is_not_a_gap():
    arrivals = Arrivals("/sound")
    sound_at(arrivals, 0.0, 1.0)
    sound_at(arrivals, 1.0, 2.0, clock_ns=START_NS - 100 * SECOND_NS)
    sound_at(arrivals, 2.0, 3.0, clock_ns=START_NS + 3600 * SECOND_NS)
    assert arrivals.recent(3.0).gap_ratio == 0.0


def test_stamps_that_jitter_by_milliseconds_are_not_a_gap():
    arrivals = Arrivals("/sound")
    for number in range(10):
        begin_ns = START_NS + number * SECOND_NS // 10 + (number % 2) * 15_000_000
        arrivals.add(number / 10, begin_ns, begin_ns + SECOND_NS // 10)
    assert arrivals.recent(1.0).gap_ratio == 0.0


def test_stamps_40_ms_late_are_not_a_gap_but_a_gap_among_them_is():
    whole, lossy = Arrivals("/sound"), Arrivals("/sound")
    for number in range(100):
        begin_ns = START_NS + number * SECOND_NS // 20 + (number * 7 % 5) * 10_000_000
        for arrivals in (whole, lossy):
            if arrivals is whole or number % 10:
                arrivals.add(number / 20, begin_ns, begin_ns + SECOND_NS // 20)
    assert whole.recent(5.0).gap_ratio == 0.0
    assert lossy.recent(5.0).gap_ratio == pytest.approx(0.1, abs=0.02)


def test_offset_is_that_of_the_quickest_message():
    late, quick = Arrivals("/late"), Arrivals("/quick")
    for number in range(10):
        stamp_ns = START_NS + number * SECOND_NS // 10
        quick.add(number / 10 + 0.01 * number, stamp_ns)
        late.add(number / 10 + 0.7, stamp_ns)
    assert quick.recent(1.0).offset_s - late.recent(1.0).offset_s == pytest.approx(0.7, abs=1e-5)


def test_constant_stamps():
    arrivals = Arrivals("/images")
    for number in range(4):
        arrivals.add(number / 10, 0)
    assert not arrivals.recent(0.5).has_constant_stamps
    arrivals.add(0.4, 0)
    assert arrivals.recent(0.5).has_constant_stamps
    arrivals.add(0.5, 1)
    assert not arrivals.recent(0.5).has_constant_stamps


def test_memory_is_bounded():
    arrivals = Arrivals("/sound")
    for number in range(10_000):
        arrivals.add(number / 10_000, START_NS + number)
    assert arrivals.count == 10_000 and len(arrivals._messages) == 2048


@pytest.mark.parametrize(
    "requested, offered, lacking",
    [
        (QoS("reliable"), QoS("best_effort"), "reliability"),
        (QoS("reliable"), QoS("reliable"), ""),
        (QoS("best_effort"), QoS("reliable"), ""),
        (QoS("reliable", "transient_local"), QoS("reliable", "volatile"), "durability"),
        (QoS("reliable", "volatile"), QoS("reliable", "transient_local"), ""),
    ],
)
def test_request_against_offer_as_dds_decides_it(requested, offered, lacking):
    assert requested.mismatch(offered) == lacking


def test_unmatched_publishers_are_counted():
    arrivals = Arrivals("/images", QoS("reliable"))
    arrivals.publishers = (QoS("best_effort"), QoS("reliable"), QoS("best_effort"))
    assert arrivals.unmatched() == {"reliability": 2}
