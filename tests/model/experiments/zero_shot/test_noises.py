"""Levels, spectra and mixtures of noise."""

import numpy as np
import pytest

from c3n_model.compose.noises import KINDS, RATE, SECONDS, Mixture, Noise, rms
from c3n_model.experiments.zero_shot.sounds import Sound


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"digital silence"}))
@pytest.mark.parametrize("rate", [8000, 32000])
def test_noises_have_their_level_and_are_reproducible(kind, rate):
    wave = Noise(kind, -30.0, "p").seconds(rate)
    assert wave.shape == (SECONDS, rate) and wave.dtype == np.float32
    assert (wave == Noise(kind, -30.0, "p").seconds(rate)).all()
    if rate == RATE:
        assert 20 * np.log10(rms(wave)) == pytest.approx(-30, abs=0.01)


def test_silence_is_silent():
    assert not Noise("digital silence", -30.0).seconds(8000).any()
    assert Noise("digital silence", -30.0).name == "digital silence"


def test_pink_noise_falls_by_three_decibels_an_octave():
    def band_db(kind, low):
        power = np.abs(np.fft.rfft(Noise(kind, -30.0).seconds(RATE).ravel())) ** 2
        hertz = np.fft.rfftfreq(SECONDS * RATE, 1 / RATE)
        return 10 * np.log10(power[(hertz >= low) & (hertz < 1.1 * low)].mean())

    assert band_db("white noise", 500) - band_db("white noise", 4000) == pytest.approx(0, abs=0.5)
    assert band_db("pink noise", 500) - band_db("pink noise", 4000) == pytest.approx(9, abs=0.5)


@pytest.mark.parametrize("snr_db", [20, 0, -10])
def test_a_mixture_has_its_ratio(snr_db):
    tone = Sound("t", (0.05 * np.sin(np.arange(3 * RATE))).astype(np.float32), RATE, "dog")
    first = tone.seconds(RATE)
    added = Mixture(tone, Noise("white noise", 0.0), snr_db).seconds(RATE) - first
    assert added.shape == first.shape
    assert 20 * np.log10(rms(first) / rms(added)) == pytest.approx(snr_db, abs=0.01)


def test_a_mixture_that_would_clip_is_scaled_down():
    loud = Sound("t", np.full(RATE, 0.9, np.float32), RATE, "dog")
    assert np.abs(Mixture(loud, Noise("white noise", 0.0), 0).seconds(RATE)).max() == pytest.approx(1)
