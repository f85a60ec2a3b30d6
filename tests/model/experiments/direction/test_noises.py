"""The coherence of two microphones in noise from all sides, which is known: sin(x) / x with x = 2 pi f d / c."""

import numpy as np
import pytest

from c3n_model.direction.steering import SPEED_OF_SOUND
from c3n_model.experiments.direction.noises import microphone_noise, noise_from_all_sides

RATE, PAIR = 16_000, np.array([[0.05, 0.0, 0.0], [-0.05, 0.0, 0.0]])  # 10 cm: the first zero is at 343 / 0.2 = 1715 Hz


def coherence(noises, low_hz, high_hz):
    """The real part of the coherence of two channels between two frequencies, over many seconds."""
    spectra = np.fft.rfft(np.stack(noises), axis=1)
    hertz = np.fft.rfftfreq(noises[0].shape[0], 1 / RATE)
    band = spectra[:, (hertz >= low_hz) & (hertz < high_hz)]
    left, right = band[..., 0], band[..., 1]
    powers = np.square(np.abs(left)).sum() * np.square(np.abs(right)).sum()
    return float((left * right.conj()).sum().real / np.sqrt(powers))


@pytest.mark.parametrize("hertz, expected", [(100, 0.99), (SPEED_OF_SOUND / 0.2, 0.0), (2573, -0.21)])
def test_noise_from_all_sides_is_the_same_at_low_frequencies_only(hertz, expected):
    noises = [noise_from_all_sides(np.random.default_rng(seed), 4000, RATE, PAIR) for seed in range(60)]
    assert coherence(noises, hertz - 50, hertz + 50) == pytest.approx(expected, abs=0.1)
    assert np.square(noises[0]).mean() == pytest.approx(1.0)


def test_microphones_noise_has_nothing_in_common():
    noises = [microphone_noise(np.random.default_rng(seed), 4000, PAIR) for seed in range(60)]
    assert coherence(noises, 50, 2000) == pytest.approx(0.0, abs=0.1)
    assert np.square(noises[0]).mean() == pytest.approx(1.0, abs=0.1)
