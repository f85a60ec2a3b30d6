import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c3n_model.streaming.channels import CancellationCheck, ChosenChannels, parse_channels, select_channels
from c3n_model.types import AudioChunk

RATE = 1000


def noise(channels, count=RATE, seed=0, gain=0.1):
    return np.random.default_rng(seed).normal(0, gain, (count, channels)).astype(np.float32)


@pytest.mark.parametrize(
    "text, channels", [("all", ()), ("", ()), ("0", (0,)), ("0-4", (0, 1, 2, 3, 4)), ("0, 2,5-6", (0, 2, 5, 6))]
)
def test_channels_are_parsed(text, channels):
    assert parse_channels(text) == channels


@pytest.mark.parametrize("text", ["-1", "a", "0,,1", "2-1", "0,0", "0-99", "1.5", "0-"])
def test_other_text_is_refused_by_value(text):
    with pytest.raises(ValueError, match=f"got '{text}'"):
        parse_channels(text)


@given(st.lists(st.integers(0, 63), min_size=1, max_size=9, unique=True))
def test_any_list_of_channels_is_parsed_as_written(channels):
    assert parse_channels(",".join(map(str, channels))) == tuple(channels)


def test_selected_channels_keep_rate_stamp_and_samples():
    chunk = AudioChunk(noise(6), RATE, 5)
    chosen = select_channels(chunk, (0, 4))
    assert (chosen.sample_rate, chosen.stamp_ns) == (RATE, 5)
    np.testing.assert_array_equal(chosen.samples, chunk.samples[:, [0, 4]])
    assert select_channels(chunk, ()) is chunk


def test_a_missing_channel_is_refused():
    with pytest.raises(ValueError, match="channel 5 .* has 2 .*--channels"):
        select_channels(AudioChunk(noise(2), RATE, 0), (0, 5))


def cancels(samples, chunk=100):
    check = CancellationCheck()
    return [check.add(AudioChunk(samples[at : at + chunk], RATE, 0)) for at in range(0, len(samples), chunk)][-1]


def test_opposite_signs_cancel():
    one = noise(1)
    assert cancels(np.hstack([one, -one]))
    assert cancels(np.hstack([one, -0.9 * one]))


@given(st.integers(1, 16), st.integers(0, 99))
def test_usual_channels_do_not_cancel(channels, seed):
    one, independent = noise(1, seed=seed), noise(channels, seed=seed)
    single = np.zeros_like(independent)
    single[:, :1] = one
    assert not cancels(independent) and not cancels(single) and not cancels(np.repeat(one, channels, axis=1))


def test_silence_and_numbers_that_are_not_finite_do_not_cancel():
    one = noise(1, gain=1e-5)
    assert not cancels(np.hstack([one, -one])) and not cancels(np.full((RATE, 2), np.nan, np.float32))


class Source(list):
    name, notes, duration_s = "microphone", ["guessed"], 1.0

    def __length_hint__(self):
        return len(self)


def test_a_source_has_the_chosen_channels_and_reports_cancellation():
    one = noise(1)
    source = Source([AudioChunk(np.hstack([one, -one]), RATE, 0)])
    everything = ChosenChannels(source, ())
    assert len(list(everything)) == 1 and everything.name == "microphone"
    assert everything.notes[0] == "guessed" and "--channels" in everything.notes[1]
    chosen = ChosenChannels(source, (1,))
    (chunk,) = chosen
    np.testing.assert_array_equal(chunk.samples, -one)
    assert chosen.notes == ["guessed"]
