"""Bearings of plane waves, whose delays are known by hand."""

import numpy as np
import pytest

from c3n_model.direction.microphone_array import load_array
from c3n_model.direction.sound_bearing import SPEED_OF_SOUND, _onsets, _spread, measure_bearing, rays_of, wrapped
from c3n_model.types import SoundBearing

RATE = 16_000
FOUR, PAIR = load_array("respeaker_usb_4_mic"), load_array("stereo_pair")


def plane_wave(array, bearing_deg, elevation_deg=0.0, seed=0):
    """White noise from one direction: a microphone that is nearer by x metres hears it x / c earlier."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(0, 0.1, RATE))
    ray = rays_of(np.deg2rad(bearing_deg), np.deg2rad(elevation_deg))
    earlier_s = array.positions @ ray / SPEED_OF_SOUND
    return np.fft.irfft(
        spectrum[:, None] * np.exp(2j * np.pi * np.outer(np.arange(len(spectrum)), earlier_s)), RATE, axis=0
    )


@pytest.mark.parametrize("bearing", [-170, -95, -40, -3, 0, 12.5, 60, 135, 180])
def test_four_microphones_find_every_bearing(bearing):
    sound = measure_bearing(plane_wave(FOUR, bearing), FOUR)
    assert abs(wrapped(sound.bearing - np.deg2rad(bearing))) < np.deg2rad(1)
    assert sound.mirrored is None and sound.confidence > 0.9 and sound.spread < np.deg2rad(1)


def test_a_raised_source_has_the_same_bearing():
    assert measure_bearing(plane_wave(FOUR, 25, 30), FOUR).bearing == pytest.approx(np.deg2rad(25), abs=0.02)


@pytest.mark.parametrize("bearing, front, back", [(30, 30, 150), (150, 30, 150), (-80, -80, -100)])
def test_a_pair_cannot_tell_ahead_from_behind_and_says_so(bearing, front, back):
    sound = measure_bearing(plane_wave(PAIR, bearing), PAIR)
    found = np.rad2deg([sound.bearing, sound.mirrored])
    np.testing.assert_allclose(found, [front, back], atol=2)
    assert sound.spread < np.deg2rad(1)


def test_the_delay_of_a_pair_by_hand():
    """One sample of 16 kHz later on the right, over 10 cm: asin(343 / 16000 / 0.1) = 12.4 degrees to the left."""
    noise = np.random.default_rng(0).normal(0, 0.1, RATE + 1)
    sound = measure_bearing(np.stack([noise[1:], noise[:-1]], axis=1), PAIR)
    assert np.rad2deg(sound.bearing) == pytest.approx(12.4, abs=0.5)


def test_silence_has_no_bearing_and_noise_of_the_microphones_no_certain_one():
    assert measure_bearing(np.zeros((RATE, 4)), FOUR) == SoundBearing()
    sound = measure_bearing(np.random.default_rng(0).normal(0, 0.1, (RATE, 4)), FOUR)
    assert sound.confidence < 0.03 and sound.spread > np.deg2rad(10)


def test_a_short_sound_in_noise_is_certain():
    wave, noise = plane_wave(FOUR, 40), np.random.default_rng(1).normal(0, 0.01, (RATE, 4))
    wave[:4000] = wave[5600:] = 0.0  # a tenth of a second of sound
    sound = measure_bearing(wave + noise, FOUR)
    assert np.rad2deg(sound.bearing) == pytest.approx(40, abs=2) and sound.spread < np.deg2rad(4)


def test_what_comes_first_counts_not_its_louder_echo():
    """Bursts of 20 ms from 20 degrees, four a second; 25 ms after the start of each its echo from -50 degrees, a third louder."""
    since_burst_ms = np.arange(RATE) // (RATE // 1000) % 250
    direct = plane_wave(FOUR, 20) * (since_burst_ms < 20)[:, None]
    echo = 1.33 * plane_wave(FOUR, -50) * ((since_burst_ms >= 25) & (since_burst_ms < 45))[:, None]
    assert np.rad2deg(measure_bearing(direct + echo, FOUR).bearing) == pytest.approx(20, abs=3)
    assert np.rad2deg(measure_bearing(echo, FOUR).bearing) == pytest.approx(-50, abs=3)


@pytest.mark.parametrize("confidence, degrees", [(1.0, 0.0), (0.5, 1.5), (0.2, 6.0), (0.0, 180.0)])
def test_the_spread_grows_with_what_is_not_the_sound(confidence, degrees):
    assert np.rad2deg(_spread(confidence)) == pytest.approx(degrees)


def test_an_onset_counts_whole_and_a_steady_sound_a_third():
    """Frames of 16 ms, remembered for 45 ms: after the first one, twice the mean of the past is counted as echo."""
    shares = _onsets(np.ones((100, 1)), 0.016)[:, 0]
    assert shares[0] == 1.0 and shares[-1] == pytest.approx(1 / 3, abs=1e-6)
    past = 1 - np.exp(-0.016 / 0.045)
    assert shares[1] == pytest.approx(1 / (1 + 2 * past))


def test_another_number_of_channels_is_refused():
    with pytest.raises(ValueError, match="4 microphones, got 2"):
        measure_bearing(np.zeros((RATE, 2)), FOUR)
