"""What the streams count, against the gaps that were made: any chunks, in any order of arrival."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c3n_model.streaming.audio_buffer import AudioBuffer
from c3n_model.streaming.windows import WindowAssembler
from c3n_model.types import AudioChunk, Frame

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
RATE = 1000
# Length of a chunk and of the gap before it [ms]: chunks are longer than a stamp may be late, gaps too.
PIECES = st.lists(st.tuples(st.integers(60, 300), st.sampled_from([0, 0, 0, 60, 250, 700])), min_size=1, max_size=25)


def sound(begin_ms, length_ms):
    """Sound whose samples are numbered by their time, so that misplaced ones are seen."""
    samples = (np.arange(begin_ms, begin_ms + length_ms, dtype=np.float32) % 1000 + 1) / 2000
    return AudioChunk(samples[:, None], RATE, begin_ms * MILLISECOND)


def chunks_of(pieces):
    """Return the chunks of a recording, in order, and how many gaps there are up to each."""
    chunks, gaps, at_ms = [], [], 0
    for length_ms, gap_ms in pieces:
        at_ms += gap_ms if chunks else 0
        gaps.append((gaps[-1] + (gap_ms > 0)) if chunks else 0)
        chunks.append(sound(at_ms, length_ms))
        at_ms += length_ms
    return chunks, gaps


@given(PIECES)
def test_every_gap_is_counted_when_it_is_heard(pieces):
    buffer = AudioBuffer(60 * SECOND)
    for chunk, gaps in zip(*chunks_of(pieces)):
        buffer.add(chunk)
        assert buffer.gaps == gaps


@given(PIECES, st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_neither_gaps_nor_samples(pieces, shuffler):
    chunks, gaps = chunks_of(pieces)
    buffer = AudioBuffer(60 * SECOND)
    for chunk in shuffler.sample(chunks, len(chunks)):
        buffer.add(chunk)
    assert buffer.gaps == gaps[-1]
    for start_ns in range(0, chunks[-1].end_ns, SECOND):
        expected = np.zeros(RATE, np.float32)
        for chunk in chunks:
            at = (chunk.stamp_ns - start_ns) // MILLISECOND
            inside = slice(max(at, 0), min(at + len(chunk.samples), RATE))
            if inside.start < inside.stop:
                expected[inside] = chunk.samples[inside.start - at : inside.stop - at, 0]
        samples, heard = buffer.read(start_ns, RATE)
        assert np.array_equal(samples, expected) and heard == np.count_nonzero(expected) / RATE


def frames(seconds):
    return [Frame(np.zeros((2, 2, 3), np.uint8), number * SECOND // 20) for number in range(20 * seconds)]


def arrival_ns(item):
    return item.end_ns if isinstance(item, AudioChunk) else item.stamp_ns


def run(items):
    """Return the windows of a recording and the counts."""
    assembler, windows = WindowAssembler(RATE), []
    for item in sorted(items, key=arrival_ns):
        assembler.add_audio(item) if isinstance(item, AudioChunk) else assembler.add_frame(item)
        windows += assembler.ready()
    return windows + assembler.finish(), assembler.counts


@settings(max_examples=40)
@given(st.lists(st.booleans(), min_size=2, max_size=12))
def test_every_second_is_a_window_or_counted_as_skipped(is_heard):
    """Whole seconds of sound, others without any, with a camera that never stops."""
    is_heard = [True, *is_heard, True]
    items = [sound(100 * number, 100) for number in range(10 * len(is_heard)) if is_heard[number // 10]]
    windows, counts = run([*frames(len(is_heard)), *items])
    assert [window.start_ns // SECOND for window in windows] == [k for k, heard in enumerate(is_heard) if heard]
    assert (counts.windows, counts.skipped_no_sound) == (sum(is_heard), len(is_heard) - sum(is_heard))
    assert counts.skipped_no_frame == counts.clock_jumps == counts.late_chunks == counts.late_frames == 0


@pytest.mark.parametrize(("gap_s", "skipped", "jumps"), [(9, 9, 0), (10, 10, 0), (11, 0, 1), (500, 0, 1)])
def test_silence_beyond_the_buffer_is_a_jump_and_not_skipped_seconds(gap_s, skipped, jumps):
    """The camera stops, so only sound tells of the gap, and all of it is passed over at once."""
    later = [sound(1000 * (2 + gap_s) + 100 * number, 100) for number in range(40)]
    windows, counts = run([*frames(2), *(sound(100 * number, 100) for number in range(20)), *later])
    assert [window.start_ns // SECOND for window in windows] == [0, 1]
    assert (counts.skipped_no_sound, counts.clock_jumps) == (skipped, jumps)


def test_each_jump_is_counted():
    parts = [sound(1000 * begin_s + 100 * number, 100) for begin_s in (0, 100, 200) for number in range(30)]
    assert run([*frames(2), *parts])[1].clock_jumps == 2


@pytest.mark.parametrize(("late_by_ms", "late_frames"), [(2000, 0), (2001, 1), (9000, 1)])
def test_after_the_sound_jumped_back_a_frame_is_late_only_beyond_the_limit(late_by_ms, late_frames):
    """The camera was ahead by more than jump_back_ns and is waited for until its stamps are near the sound's."""
    assembler = WindowAssembler(RATE)
    for item in sorted([*frames(20), *(sound(100 * number, 100) for number in range(200))], key=arrival_ns):
        assembler.add_audio(item) if isinstance(item, AudioChunk) else assembler.add_frame(item)
        assembler.ready()
    assembler.add_audio(sound(0, 100))
    assert assembler.counts.clock_jumps == 1
    limit_ns = 100 * MILLISECOND + 100 * MILLISECOND  # the end of the sound, and the length of its longest chunk
    assembler.add_frame(Frame(np.zeros((2, 2, 3), np.uint8), limit_ns + late_by_ms * MILLISECOND))
    assert assembler.counts.late_frames == late_frames
