"""Bearings of plane waves, whose delays are known by hand."""

import numpy as np
import pytest

from c3n_model.direction.microphone_array import load_array
from c3n_model.direction.sound_bearing import _spread, measure_bearing, spectra_of, wrapped
from c3n_model.direction.steering import BEARINGS, SPEED_OF_SOUND, rays_of
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
    assert sound.mirrored is None and sound.confidence > 0.9 and sound.spread < np.deg2rad(3)


def test_a_raised_source_has_the_same_bearing():
    assert measure_bearing(plane_wave(FOUR, 25, 30), FOUR).bearing == pytest.approx(np.deg2rad(25), abs=0.02)


@pytest.mark.parametrize("bearing, front, back", [(30, 30, 150), (150, 30, 150), (-80, -80, -100)])
def test_a_pair_cannot_tell_ahead_from_behind_and_says_so(bearing, front, back):
    sound = measure_bearing(plane_wave(PAIR, bearing), PAIR)
    found = np.rad2deg([sound.bearing, sound.mirrored])
    np.testing.assert_allclose(found, [front, back], atol=2)
    assert sound.spread < np.deg2rad(7 if abs(bearing) == 80 else 3), "near its line a pair hears less well"


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


def test_the_spread_is_that_of_the_likelihood():
    """Normal likelihoods of 4 degrees about 10 degrees; another maximum, far away, does not count."""
    offsets = np.rad2deg(BEARINGS) - 10.0
    normal = -(offsets**2) / (2 * 4.0**2)
    assert np.rad2deg(_spread(normal, np.deg2rad(10.0))) == pytest.approx(4.0, abs=0.05)
    two = np.maximum(normal, -((offsets + 120.0) ** 2) / (2 * 4.0**2))
    assert np.rad2deg(_spread(two, np.deg2rad(10.0))) == pytest.approx(4.0, abs=0.05)


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_every_rate_has_the_same_frequencies_and_moments(rate):
    spectra, hertz, step_s = spectra_of(np.zeros((rate, 2)), rate)
    assert np.diff(hertz) == pytest.approx(31.25, rel=0.001) and step_s == pytest.approx(0.016, rel=0.001)
    assert spectra.shape == (len(hertz), 61, 2) and spectra.dtype == np.complex64


def test_the_likelihood_is_0_at_the_bearing():
    sound = measure_bearing(plane_wave(FOUR, 40), FOUR)
    assert len(sound.likelihood) == len(BEARINGS) and sound.likelihood.max() == 0.0
    assert np.rad2deg(BEARINGS[sound.likelihood.argmax()]) == pytest.approx(40, abs=1)
    assert np.interp(np.deg2rad(50), BEARINGS, sound.likelihood) < -5


def test_another_number_of_channels_is_refused():
    with pytest.raises(ValueError, match="4 microphones, got 2"):
        measure_bearing(np.zeros((RATE, 2)), FOUR)
