import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c3n_model.preprocess import snippet_from_samples
from c3n_model.streaming import audio_buffer
from c3n_model.streaming.audio_buffer import AudioBuffer
from c3n_model.types import AudioChunk

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
RATE = 8_000


def chunk(stamp_ns, count, rate=1000, value=0.5, channels=1):
    return AudioChunk(np.full((count, channels), value, np.float32), rate, stamp_ns)


def test_sound_before_1970():
    buffer = AudioBuffer()
    for second in (-3, -2):
        buffer.add(chunk(second * SECOND, 1000))
    assert buffer.end_ns == -SECOND and buffer.read(-3 * SECOND, 1000)[1] == 1.0


def test_of_many_rates_the_ones_used_last_are_kept():
    buffer = AudioBuffer()
    for number, rate in enumerate(range(1_000, 1_500)):
        buffer.add(chunk(number * MILLISECOND, 1, rate))
    assert {piece.rate for piece in buffer._chunks} == {1_496, 1_497, 1_498, 1_499} and len(buffer) == 4


def test_number_of_chunks_is_bounded(monkeypatch):
    monkeypatch.setattr(audio_buffer, "MAX_CHUNKS", 50)
    buffer = AudioBuffer()
    for number in range(99):
        buffer.add(chunk(number, 1))
    assert len(buffer) == 50


def test_a_long_chunk_is_waited_for_only_while_it_is_held():
    buffer = AudioBuffer()
    buffer.add(chunk(0, 9_000))
    assert buffer.delay_ns == 9 * SECOND
    for tenth in range(90, 201):
        buffer.add(chunk(tenth * SECOND // 10, 100))
    assert buffer.delay_ns == SECOND // 10
    buffer.clear()
    assert buffer.delay_ns == 0


def test_reads_what_was_written():
    buffer = AudioBuffer()
    samples = np.arange(1000, dtype=np.float32)[:, None] / 1000
    buffer.add(AudioChunk(samples, 1000, 2 * SECOND))
    snippet, heard = buffer.read(2 * SECOND, 1000)
    assert heard == 1.0 and snippet.dtype == np.float32
    np.testing.assert_array_equal(snippet, samples[:, 0])


def test_down_mix_is_the_mean():
    buffer = AudioBuffer()
    buffer.add(AudioChunk(np.tile(np.float32([0.2, 0.6]), (1000, 1)), 1000, 0))
    np.testing.assert_allclose(buffer.read(0, 1000)[0], 0.4, rtol=1e-6)


def test_missing_sound_is_zero_and_does_not_count_as_heard():
    buffer = AudioBuffer()
    buffer.add(chunk(250 * MILLISECOND, 500))
    snippet, heard = buffer.read(0, 1000)
    assert heard == 0.5
    assert np.all(snippet[250:750] == 0.5) and not snippet[:250].any() and not snippet[750:].any()


def test_jitter_below_20_ms_is_closed_without_a_gap():
    buffer = AudioBuffer()
    for number in range(10):
        buffer.add(chunk(number * 100 * MILLISECOND + (-1) ** number * 9 * MILLISECOND + 9 * MILLISECOND, 100))
    snippet, heard = buffer.read(0, 1000)  # from the earliest stamp allowed: late stamps follow it
    assert heard == 1.0 and np.all(snippet == 0.5) and buffer.gaps == 0


@given(
    st.sampled_from([20, 32, 64, 100]),
    st.lists(st.integers(0, 39_000), min_size=60, max_size=60),
    st.sampled_from([8_000, 16_000, 44_100]),
)
def test_late_stamps_give_the_samples_of_exact_ones(chunk_ms, lateness_us, rate):
    """No sample is missing, so none is replaced by zero; the first and the last stamp are exact."""
    count = chunk_ms * rate // 1000
    samples = np.random.default_rng(4).normal(0, 0.1, (60 * count, 1)).astype(np.float32)
    lateness_us[0] = lateness_us[-1] = 0
    exact, late = AudioBuffer(), AudioBuffer()
    for number, late_us in enumerate(lateness_us):
        stamp_ns = SECOND + number * count * SECOND // rate
        piece = samples[number * count : (number + 1) * count]
        exact.add(AudioChunk(piece, rate, stamp_ns))
        late.add(AudioChunk(piece, rate, stamp_ns + late_us * 1_000))
    snippet, heard = late.read(SECOND, 16_000)
    assert heard == 1.0 and late.is_complete(SECOND) and late.gaps == 0
    np.testing.assert_array_equal(snippet, exact.read(SECOND, 16_000)[0])


def test_stamps_15_to_40_ms_late_lose_no_sound_while_they_come():
    buffer, rng = AudioBuffer(), np.random.default_rng(5)
    for number in range(50):
        buffer.add(chunk(number * 50 * MILLISECOND + int(rng.integers(15, 40)) * MILLISECOND, 50))
    for second in (SECOND // 2, SECOND):
        snippet, heard = buffer.read(second, 1000)
        assert heard == 1.0 and np.all(snippet == 0.5)
    assert buffer.gaps == 0


@pytest.mark.parametrize("lost_ms", [30, 40, 100, 700])
def test_a_lost_chunk_is_one_gap_of_its_length(lost_ms):
    buffer = AudioBuffer()
    for stamp_ms in [*range(0, 300, 10), *range(300 + lost_ms, 2000, 10)]:
        buffer.add(chunk(stamp_ms * MILLISECOND, 10))
    snippet, heard = buffer.read(0, 1000)
    assert heard == pytest.approx(1 - lost_ms / 1000) and buffer.gaps == 1
    assert not snippet[300 : 300 + lost_ms].any() and np.all(snippet[300 + lost_ms :] == 0.5)


def test_a_longer_gap_starts_a_run_at_its_own_stamp():
    buffer = AudioBuffer()
    buffer.add(chunk(0, 400))
    buffer.add(chunk(430 * MILLISECOND, 570))
    snippet, heard = buffer.read(0, 1000)
    assert heard == 0.97 and not snippet[400:430].any() and snippet[430] == 0.5
    assert not buffer.is_complete(0)


def test_earlier_samples_are_kept_in_an_overlap():
    buffer = AudioBuffer()
    buffer.add(chunk(0, 600, value=0.1))
    buffer.add(chunk(400 * MILLISECOND, 600, value=0.2))
    snippet, heard = buffer.read(0, 1000)
    assert heard == 1.0
    assert np.all(snippet[:600] == np.float32(0.1)) and np.all(snippet[600:] == np.float32(0.2))


def test_a_repeated_stamp_is_ignored():
    buffer = AudioBuffer()
    for value in (0.1, 0.9):
        buffer.add(chunk(0, 10, value=value))
    assert len(buffer) == 1
    buffer.add(chunk(10 * MILLISECOND, 990, value=0.1))
    assert np.all(buffer.read(0, 1000)[0] == np.float32(0.1))


def test_out_of_order_is_as_if_in_order():
    samples = np.random.default_rng(1).normal(0, 0.1, (48_000, 1)).astype(np.float32)
    chunks = [AudioChunk(samples[at : at + 960], 48_000, at * SECOND // 48_000) for at in range(0, 48_000, 960)]
    straight, shuffled = AudioBuffer(), AudioBuffer()
    for one in chunks:
        straight.add(one)
    for number in np.random.default_rng(2).permutation(len(chunks)):
        shuffled.add(chunks[number])
    assert shuffled.is_complete(0)
    np.testing.assert_array_equal(straight.read(0, 16_000)[0], shuffled.read(0, 16_000)[0])


def test_resampling_is_that_of_the_offline_loader():
    samples = np.random.default_rng(3).normal(0, 0.1, (44_100, 2)).astype(np.float32)
    buffer = AudioBuffer()
    for at in range(0, 44_100, 441):
        buffer.add(AudioChunk(samples[at : at + 441], 44_100, at * SECOND // 44_100))
    snippet, heard = buffer.read(0, 32_000)
    assert heard == 1.0
    np.testing.assert_array_equal(snippet, snippet_from_samples(samples, 44_100, 32_000))


def test_the_rate_may_change_within_a_second():
    buffer = AudioBuffer()
    buffer.add(chunk(0, 22_050, rate=44_100, value=0.25))
    buffer.add(chunk(500 * MILLISECOND, 24_000, rate=48_000, value=0.25))
    snippet, heard = buffer.read(0, 16_000)
    assert heard == 1.0 and buffer.is_complete(0)
    np.testing.assert_allclose(snippet[1000:7000], 0.25, atol=1e-3)
    np.testing.assert_allclose(snippet[9000:15_000], 0.25, atol=1e-3)


def test_overlapping_sound_of_another_rate_is_not_added_twice():
    buffer = AudioBuffer()
    buffer.add(chunk(0, 800, rate=1000, value=0.25))
    buffer.add(chunk(500 * MILLISECOND, 1000, rate=2000, value=0.25))
    snippet, heard = buffer.read(0, 1000)
    assert heard == 1.0
    np.testing.assert_allclose(snippet[100:700], 0.25, atol=0.01)


def test_a_change_of_channels_starts_a_run_at_its_own_stamp():
    buffer = AudioBuffer()
    buffer.add(chunk(0, 500))
    buffer.add(chunk(510 * MILLISECOND, 490, channels=2))
    assert not buffer.read(0, 1000)[0][500:510].any()


def test_samples_that_are_not_finite_are_zero_and_counted():
    samples = np.full((1000, 1), 0.5, np.float32)
    samples[:100] = np.nan
    samples[100:200] = -np.inf
    buffer = AudioBuffer()
    assert buffer.add(AudioChunk(samples, 1000, 0)) == 200
    snippet, heard = buffer.read(0, 1000)
    assert heard == 0.8 and not snippet[:200].any() and buffer.is_complete(0)


def test_is_bounded_and_keeps_its_time_when_old_sound_is_forgotten():
    buffer = AudioBuffer(capacity_ns=2 * SECOND)
    for number in range(1000):
        jitter = 5 * MILLISECOND if number % 2 else 0
        buffer.add(chunk(number * 10 * MILLISECOND + jitter, 10, value=number % 100 / 100))
    assert len(buffer) <= 202
    snippet, heard = buffer.read(9 * SECOND, 1000)
    assert heard == 1.0
    np.testing.assert_array_equal(snippet, np.repeat(np.arange(100, dtype=np.float32) / np.float32(100), 10))


def test_first_sample_held():
    buffer = AudioBuffer()
    assert buffer.first_ns() is None
    buffer.add(chunk(300 * MILLISECOND, 100))
    buffer.add(chunk(2 * SECOND, 100))
    assert buffer.first_ns() == 300 * MILLISECOND
    assert buffer.first_ns(350 * MILLISECOND) == 350 * MILLISECOND
    assert buffer.first_ns(1 * SECOND) == 2 * SECOND
    assert buffer.first_ns(3 * SECOND) is None


@pytest.mark.parametrize(
    "samples, rate",
    [(np.zeros(5, np.float32), 1000), (np.zeros((5, 0), np.float32), 1000), (np.zeros((5, 1), np.float32), 0)],
)
def test_refuses_invalid_chunks(samples, rate):
    with pytest.raises(ValueError, match="audio chunk"):
        AudioBuffer().add(AudioChunk(samples, rate, 0))


def test_an_empty_chunk_is_ignored():
    buffer = AudioBuffer()
    buffer.add(chunk(0, 0))
    assert len(buffer) == 0


class TestMicrophones:
    def chunk(self, stamp_ns, microphones, rate=RATE):
        microphones = np.asarray(microphones, np.float32)
        return AudioChunk(microphones[:, :1], rate, stamp_ns, microphones)

    def test_a_second_is_put_together_and_what_is_not_finite_is_zero(self):
        buffer = AudioBuffer()
        first, second = np.arange(RATE)[:, None] * [1.0, -1.0], np.full((RATE, 2), 5.0)
        first[RATE // 2] = np.inf, -np.inf
        second[0, 1] = np.nan
        buffer.add(self.chunk(0, first))
        buffer.add(self.chunk(SECOND, second))
        sound = buffer.read_microphones(SECOND // 2)
        half = RATE // 2
        expected = np.concatenate([first[half:], second[:half]])
        expected[0], expected[half, 1] = 0, 0
        assert sound.dtype == np.float32 and np.array_equal(sound, expected)

    def test_other_microphones_in_the_same_second_are_none(self):
        buffer = AudioBuffer()
        buffer.add(self.chunk(0, np.ones((RATE // 2, 2))))
        buffer.add(self.chunk(SECOND // 2, np.ones((RATE // 2, 4))))
        assert buffer.read_microphones(0) is None

    def test_sound_without_an_array_between_is_a_gap(self):
        buffer = AudioBuffer()
        quarter = RATE // 4
        buffer.add(AudioChunk(np.ones((quarter, 1), np.float32), RATE, 0))
        buffer.add(self.chunk(SECOND // 4, np.ones((quarter, 2))))
        sound = buffer.read_microphones(0)
        assert sound[:, 0].tolist() == [0] * quarter + [1] * quarter + [0] * (RATE - 2 * quarter)
