import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c3n_model.streaming.windows import WindowAssembler, WindowRules
from c3n_model.types import AudioChunk, Frame

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
RATE = 1000


def frame(stamp_ns, value=0):
    return Frame(np.full((2, 2, 3), value, np.uint8), stamp_ns)


def frames(start_s, end_s, rate=20):
    """Frames at `rate` Hz from `start_s` to before `end_s`."""
    return [frame(round(number * SECOND / rate)) for number in range(round(start_s * rate), round(end_s * rate))]


def chunks(start_s, end_s, size=100, rate=RATE, value=0.5):
    """Sound in chunks of `size` samples from `start_s` to before `end_s`."""
    return [
        AudioChunk(np.full((size, 1), value, np.float32), rate, at * SECOND // rate)
        for at in range(round(start_s * rate), round(end_s * rate), size)
    ]


def arrival_ns(item):
    """When a recorder sees it: a frame at its stamp, sound when its last sample is over."""
    return item.end_ns if isinstance(item, AudioChunk) else item.stamp_ns


def live(*streams):
    return sorted((item for stream in streams for item in stream), key=arrival_ns)


def feed(assembler, items):
    """The windows that `items` close, asked for after each of them."""
    windows = []
    for item in items:
        assembler.add_audio(item) if isinstance(item, AudioChunk) else assembler.add_frame(item)
        windows += assembler.ready()
    return windows


def starts(windows):
    """Start of each window in seconds."""
    return [window.start_ns / SECOND for window in windows]


class TestGrid:
    def test_windows_are_whole_seconds_of_stamps_with_the_frame_at_15_16(self):
        assembler = WindowAssembler(RATE)
        windows = feed(assembler, live(frames(0, 3.2), chunks(0, 3.2)))
        assert starts(windows) == [0, 1, 2]
        assert [window.frame.stamp_ns for window in windows] == [k * SECOND + 950 * MILLISECOND for k in range(3)]
        assert all(window.heard == 1 and np.all(window.snippet == 0.5) for window in windows)
        counts = assembler.counts
        assert (counts.frames, counts.chunks, counts.windows) == (64, 32, 3)
        assert counts.skipped_no_frame == counts.skipped_no_sound == counts.late_chunks == counts.late_frames == 0
        assert counts.gaps == counts.clock_jumps == counts.bad_samples == 0

    def test_whenever_a_run_starts_it_cuts_the_same_windows(self):
        early = feed(WindowAssembler(RATE), live(frames(100, 105), chunks(100, 105)))
        late = feed(WindowAssembler(RATE), live(frames(102.3, 105), chunks(102.3, 105)))
        assert starts(early) == [100, 101, 102, 103, 104] and starts(late) == [103, 104]
        for one, other in zip(early[3:], late):
            assert one.frame.stamp_ns == other.frame.stamp_ns
            np.testing.assert_array_equal(one.snippet, other.snippet)

    @pytest.mark.parametrize("first_ms, expected", [(15, [0, 1]), (25, [1])])
    def test_the_first_window_has_sound_from_its_beginning(self, first_ms, expected):
        sound = [AudioChunk(np.ones((5, 1), np.float32), RATE, at * MILLISECOND) for at in range(first_ms, 2200, 5)]
        assert starts(feed(WindowAssembler(RATE), live(frames(0, 2.2), sound))) == expected

    def test_a_window_closes_with_its_last_sample(self):
        assembler = WindowAssembler(RATE)
        assert feed(assembler, frames(0, 1) + chunks(0, 0.9)) == []
        assert starts(feed(assembler, chunks(0.9, 1.0))) == [0]
        assert assembler.ready() == []

    def test_a_window_waits_for_the_frame_after_15_16(self):
        assembler = WindowAssembler(RATE)
        assert feed(assembler, frames(0, 0.92) + chunks(0, 1.2)) == []
        assert starts(feed(assembler, [frame(960 * MILLISECOND)])) == [0]

    def test_the_model_rate_is_served_from_any_rate_and_stereo(self):
        sound = [
            AudioChunk(np.full((480, 2), 0.25, np.float32), 48_000, at * SECOND // 48_000)
            for at in range(0, 48_000, 480)
        ]
        (window,) = feed(WindowAssembler(16_000), live(frames(0, 1.1), sound))
        assert window.snippet.shape == (16_000,) and window.snippet.dtype == np.float32
        np.testing.assert_allclose(window.snippet[2000:-2000], 0.25, atol=1e-3)


class TestMissing:
    def test_a_stalled_camera_does_not_block(self):
        assembler = WindowAssembler(RATE)
        windows = feed(assembler, live(frames(0, 1.2), chunks(0, 10)))
        assert starts(windows) == [0]
        assert assembler.counts.skipped_no_frame == 8  # window 9 may still get its frame
        windows = feed(assembler, live(frames(10.5, 12.1), chunks(10, 12.1)))
        assert starts(windows) == [10, 11] and assembler.counts.skipped_no_frame == 9

    def test_a_camera_at_a_second_per_frame_works_and_a_skewed_one_is_skipped(self):
        near = [frame(k * SECOND + 900 * MILLISECOND) for k in range(4)]
        far = [frame(k * SECOND + 700 * MILLISECOND) for k in range(4)]
        assert starts(feed(WindowAssembler(RATE), live(near, chunks(0, 3)))) == [0, 1, 2]
        assembler = WindowAssembler(RATE)
        assert feed(assembler, live(far, chunks(0, 3))) == [] and assembler.counts.skipped_no_frame == 3

    def test_a_silent_topic_does_not_block_and_what_is_missing_is_zero(self):
        assembler = WindowAssembler(RATE)
        windows = feed(assembler, live(frames(0, 10), chunks(0, 1.6)))
        assert starts(windows) == [0, 1] and windows[1].heard == 0.6
        assert not windows[1].snippet[600:].any() and np.all(windows[1].snippet[:600] == 0.5)
        assert assembler.counts.skipped_no_sound == 7
        assert starts(feed(assembler, live(frames(10, 12.1), chunks(10, 12.1)))) == [10, 11]

    def test_less_than_half_a_second_of_sound_is_skipped(self):
        assembler = WindowAssembler(RATE)
        assert starts(feed(assembler, live(frames(0, 4), chunks(0, 1.4)))) == [0]
        assert assembler.counts.skipped_no_sound == 2 and assembler.counts.skipped_no_frame == 0

    def test_a_gap_is_zero_counted_and_waits_half_a_second_for_late_sound(self):
        sound = chunks(0, 0.3) + chunks(0.5, 1.6)
        assembler = WindowAssembler(RATE)
        assert feed(assembler, live(frames(0, 1.4), sound[:-2])) == []
        (window,) = feed(assembler, live(frames(1.4, 1.7), sound[-2:]))
        assert window.heard == 0.8 and not window.snippet[300:500].any() and assembler.counts.gaps == 1

    def test_sound_in_chunks_of_two_seconds_is_not_missing(self):
        windows = feed(WindowAssembler(RATE), live(frames(0, 8), chunks(0, 8, size=2000)))
        assert starts(windows) == list(range(8)) and all(window.heard == 1 for window in windows)

    def test_the_end_of_the_streams_closes_what_is_left(self):
        assembler = WindowAssembler(RATE)
        assert starts(feed(assembler, live(frames(0, 1.94), chunks(0, 1.9)))) == [0]
        (last,) = assembler.finish()
        assert last.start_ns == SECOND and last.heard == 0.9 and last.frame.stamp_ns == 1900 * MILLISECOND
        assert assembler.finish() == [] and assembler.counts.skipped_no_sound == 0

    def test_finishing_without_input_gives_no_window(self):
        assembler = WindowAssembler(RATE)
        assert assembler.finish() == []
        feed(assembler, chunks(0.3, 0.6))
        assert assembler.finish() == [] and assembler.counts.skipped_no_sound == 0

    def test_not_finite_samples_are_counted_and_not_heard(self):
        sound = chunks(0, 1.1)
        sound[2].samples[:] = np.nan
        assembler = WindowAssembler(RATE)
        (window,) = feed(assembler, live(frames(0, 1.1), sound))
        assert window.heard == 0.9 and np.isfinite(window.snippet).all() and assembler.counts.bad_samples == 100


class TestOrder:
    def test_late_sound_and_frames_are_counted_and_dropped(self):
        assembler = WindowAssembler(RATE)
        feed(assembler, live(frames(0, 2.1), chunks(0, 2.1)))
        assert feed(assembler, [frame(500 * MILLISECOND), *chunks(0.5, 0.7)]) == []
        assert (assembler.counts.late_frames, assembler.counts.late_chunks) == (1, 2)

    def test_out_of_order_within_the_wait_is_as_if_in_order(self):
        items = live(frames(0, 4.2), chunks(0, 4.2, size=50))
        straight = feed(WindowAssembler(RATE), items)
        random = np.random.default_rng(5)
        late = [arrival_ns(item) + random.integers(0, 200) * MILLISECOND for item in items]
        shuffled = [items[number] for number in np.argsort(late, kind="stable")]
        windows = feed(WindowAssembler(RATE), shuffled)
        assert starts(windows)[:3] == starts(straight)[:3] == [0, 1, 2]
        for one, other in zip(straight, windows):
            np.testing.assert_array_equal(one.snippet, other.snippet)
            assert other.heard == 1

    def test_a_change_of_rate_and_channels_simply_works(self):
        stereo = [
            AudioChunk(np.full((200, 2), 0.5, np.float32), 2000, at * MILLISECOND) for at in range(1500, 3000, 100)
        ]
        windows = feed(WindowAssembler(RATE), live(frames(0, 3.1), chunks(0, 1.5), stereo))
        assert starts(windows) == [0, 1, 2] and all(window.heard == 1 for window in windows)


class TestClock:
    @pytest.mark.parametrize("lead_ms", [-300, 0, 300])
    @pytest.mark.parametrize("size", [20, 500, 2000])
    def test_every_loop_of_a_bag_yields_the_same_windows(self, lead_ms, size):
        """The streams jump at different moments; the sound of each loop is its own, so leftovers would show."""
        assembler = WindowAssembler(RATE)
        items = []
        for loop in range(3):
            begin = loop * 6 * SECOND
            items += [(begin + one.stamp_ns, Frame(one.rgb + np.uint8(loop), one.stamp_ns)) for one in frames(0, 6)]
            items += [(begin + one.end_ns + lead_ms * MILLISECOND, one) for one in chunks(0, 6, size, value=loop / 4)]
        windows = feed(assembler, [item for _, item in sorted(items, key=lambda pair: pair[0])]) + assembler.finish()
        for loop in range(3):
            own = [window for window in windows if window.frame.rgb[0, 0, 0] == loop]
            sure = 5 - size // 1000  # the end of a loop may be lost: its last chunk comes after the camera has jumped
            assert starts(own)[:sure] == list(range(sure)) and len(own) <= 6
            assert all(np.all(window.snippet == np.float32(loop / 4)) for window in own)
        assert assembler.counts.clock_jumps == 2

    def test_input_from_before_the_jump_is_late(self):
        assembler = WindowAssembler(RATE)
        feed(assembler, live(frames(0, 6), chunks(0, 6)))
        feed(assembler, chunks(0, 0.2) + [frame(5950 * MILLISECOND)])
        assert (assembler.counts.clock_jumps, assembler.counts.late_frames) == (1, 1)

    def test_one_wrong_stamp_in_the_future_heals(self):
        assembler = WindowAssembler(RATE)
        feed(assembler, live(frames(0, 3.2), chunks(0, 3.2)))
        feed(assembler, [frame(10**6 * SECOND)])
        windows = feed(assembler, live(frames(3.2, 7.1), chunks(3.2, 7.1)))
        assert starts(windows)[-2:] == [5, 6] and len(starts(windows)) == len(set(starts(windows)))

    @pytest.mark.parametrize("hours", [1, 10**6])
    def test_a_jump_forward_passes_over_the_empty_time_at_once(self, hours):
        ahead = hours * 3600 + 0.4
        assembler = WindowAssembler(RATE)
        feed(assembler, live(frames(0, 2.2), chunks(0, 2.2)))
        windows = feed(assembler, live(frames(ahead, ahead + 2.8), chunks(ahead, ahead + 2.8)))
        assert starts(windows) == [hours * 3600, hours * 3600 + 1, hours * 3600 + 2]
        assert windows[0].heard == pytest.approx(0.6) and assembler.counts.clock_jumps == 1

    def test_streams_of_different_clocks_give_no_windows_in_bounded_memory(self):
        assembler = WindowAssembler(RATE)
        assert feed(assembler, live(frames(10**9, 10**9 + 20), chunks(0, 20))) == []
        assert feed(WindowAssembler(RATE), live(frames(0, 20), chunks(10**6, 10**6 + 20))) == []


class TestBounds:
    def test_hours_of_sound_without_a_camera(self):
        assembler = WindowAssembler(RATE)
        assert feed(assembler, chunks(0, 3 * 3600, size=1000)) == []
        assert len(assembler._audio) <= 12 and assembler.counts.skipped_no_frame > 10_000

    def test_hours_of_camera_without_sound(self):
        assembler = WindowAssembler(RATE)
        assert feed(assembler, frames(0, 3 * 3600, rate=2)) == []
        assert len(assembler._frames) <= 10

    def test_hours_of_camera_after_the_sound_died(self):
        assembler = WindowAssembler(RATE)
        feed(assembler, live(frames(0, 3 * 3600, rate=2), chunks(0, 2)))
        assert len(assembler._frames) <= 10 and assembler.counts.skipped_no_sound > 10_000

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"sample_rate": 0}, "sample_rate must be positive"),
            ({"capacity": 1}, "capacity at least 2 s"),
            ({"rules": WindowRules(max_skew_ns=SECOND)}, "max_skew_ns must be at least 0 and below half a second"),
        ],
    )
    def test_refuses_settings_without_meaning(self, wrong, message):
        with pytest.raises(ValueError, match=message):
            WindowAssembler(**{"sample_rate": RATE, **wrong})

    def test_a_whole_second_may_be_asked_for(self):
        assert WindowRules(min_heard=1.0).min_heard == 1

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"min_heard": 0.0}, r"min_heard must be in \(0, 1\], got 0.0"),
            ({"hop_ns": SECOND // 20}, "hop must be 1, 0.5, 0.25, 0.2, 0.125 or 0.1 s.*got 0.05 s"),
            ({"hop_ns": 300 * MILLISECOND}, "got 0.3 s"),
            ({"hop_ns": 2 * SECOND}, "got 2.0 s"),
        ],
    )
    def test_refuses_rules_without_meaning(self, wrong, message):
        with pytest.raises(ValueError, match=message):
            WindowRules(**wrong)


STAMPS_NS = st.integers(-(2**31) * SECOND, 2**31 * SECOND) | st.integers(-3 * SECOND, 3 * SECOND)
ITEMS = st.builds(frame, STAMPS_NS) | st.builds(
    lambda stamp_ns, size, rate: AudioChunk(np.zeros((size, 1), np.float32), rate, stamp_ns),
    STAMPS_NS,
    st.integers(0, 300),
    st.sampled_from([RATE, 1_500, 8_000, 44_100, 768_000]) | st.integers(1_000, 3_000),
)


@given(st.lists(ITEMS, max_size=30))
def test_clean_streams_are_cut_after_any_stamps_and_rates(items):
    assembler = WindowAssembler(RATE)
    feed(assembler, items)
    begin_s = 50_000
    windows = feed(assembler, live(frames(begin_s, begin_s + 13), chunks(begin_s, begin_s + 13)))
    assert starts(windows)[-3:] == [begin_s + 10, begin_s + 11, begin_s + 12]
    assert all(window.heard == 1.0 for window in windows[-3:])
    assert len(assembler._audio) <= 110 and len(assembler._frames) <= 10


class TestHop:
    def test_windows_overlap_and_each_has_its_own_frame(self):
        assembler = WindowAssembler(RATE, rules=WindowRules(hop_ns=SECOND // 4))
        ramp = [
            AudioChunk(np.arange(at, at + 100, dtype=np.float32)[:, None] / 10_000, RATE, at * SECOND // RATE)
            for at in range(0, 3000, 100)
        ]
        windows = feed(assembler, live(frames(0, 3.1), ramp))
        assert starts(windows) == [0.25 * k for k in range(9)]
        assert [window.frame.stamp_ns for window in windows] == [
            round((0.25 * k + 0.95) * SECOND) for k in range(9)
        ]  # 20 Hz: 0.95 s is the nearest to 0.9375 s
        for window in windows:
            assert window.snippet[0] == pytest.approx(window.start_ns / SECOND / 10, abs=1e-6)
            assert window.heard == 1

    def test_every_fourth_window_is_one_of_the_whole_seconds(self):
        items = live(frames(0, 5.2), chunks(0, 5.2))
        whole = feed(WindowAssembler(RATE), items)
        often = feed(WindowAssembler(RATE, rules=WindowRules(hop_ns=SECOND // 4)), items)
        assert [window.frame.stamp_ns for window in often[::4]] == [window.frame.stamp_ns for window in whole]
        assert len(often) == 4 * (len(whole) - 1) + 1

    def test_no_image_is_used_twice(self):
        assembler = WindowAssembler(RATE, rules=WindowRules(hop_ns=SECOND // 10))
        windows = feed(assembler, live(frames(0, 6, rate=4), chunks(0, 6)))
        used = [window.frame.stamp_ns for window in windows]
        assert len(used) == len(set(used)) >= 4 * 4
        assert assembler.counts.skipped_no_frame > 0

    def test_rules_may_change_while_it_runs(self):
        assembler = WindowAssembler(RATE)
        items = live(frames(0, 8.2), chunks(0, 8.2))
        middle = len(items) // 2
        first = feed(assembler, items[:middle])
        assembler.rules = WindowRules(hop_ns=SECOND // 2)
        second = feed(assembler, items[middle:])
        assembler.rules = WindowRules()
        assert starts(first) == [0, 1, 2, 3]
        assert starts(second)[0] == 4.0
        assert np.all(np.diff(starts(second)) == 0.5)
        assert starts(second)[-1] == 7.0
        later = feed(assembler, live(frames(8.2, 11), chunks(8.2, 11)))
        assert starts(later) == [8, 9, 10]

    def test_silence_is_counted_in_windows(self):
        assembler = WindowAssembler(RATE, rules=WindowRules(hop_ns=SECOND // 2))
        feed(assembler, live(frames(0, 9), chunks(0, 2), chunks(5, 9)))
        assert assembler.counts.skipped_no_sound == 5, "2.0 to 4.0 s; 1.5 and 4.5 s are heard to one half"


def cut(samples, rate, start_ns, sizes):
    """`samples` as chunks of the given sizes (repeated), stamped as a driver would: exactly, rounded to nanoseconds."""
    at, number, result = 0, 0, []
    while at < len(samples):
        size = sizes[number % len(sizes)]
        result.append(AudioChunk(samples[at : at + size], rate, start_ns + at * SECOND // rate))
        at, number = at + size, number + 1
    return result


@pytest.mark.parametrize("seed", range(24))
def test_windows_do_not_depend_on_chunk_sizes_or_interleaving(seed):
    """Bit-identical windows for chunks of 10 ms to 2 s and streams up to 300 ms apart, with a gap inside."""
    random = np.random.default_rng(seed)
    rate = int(random.choice([16_000, 44_100, 48_000]))
    start_ns = 1_700_000_000 * SECOND + int(random.integers(SECOND))
    samples = random.normal(0, 0.1, (8 * rate, 2)).astype(np.float32)
    resume = 5 * rate + rate // 3
    images = [
        Frame(random.integers(0, 255, (2, 2, 3), np.uint8), start_ns + round(k * SECOND / 25)) for k in range(220)
    ]

    def windows(draw):
        sizes = [int(draw.integers(rate // 100, 2 * rate))]  # one size as of a driver, or many as of a network
        by_start = draw.random() < 0.5
        if by_start:
            sizes = [int(size) for size in draw.integers(rate // 100, 2 * rate, 50)]
        sound = cut(samples[: 4 * rate], rate, start_ns, sizes)
        sound += cut(samples[resume:], rate, start_ns + resume * SECOND // rate, sizes)
        lag_ns = int(draw.integers(-300, 300)) * MILLISECOND
        items = [(one.stamp_ns, one) for one in images]
        items += [((one.stamp_ns if by_start else one.end_ns) + lag_ns, one) for one in sound]
        assembler = WindowAssembler(16_000)
        return feed(assembler, [item for _, item in sorted(items, key=lambda pair: pair[0])]) + assembler.finish()

    expected, *others = [windows(np.random.default_rng([seed, number])) for number in range(4)]
    assert len(expected) >= 4
    for other in others:
        assert starts(other) == starts(expected)
        for one, two in zip(expected, other):
            assert one.frame is two.frame and one.heard == two.heard
            np.testing.assert_array_equal(one.snippet, two.snippet)
