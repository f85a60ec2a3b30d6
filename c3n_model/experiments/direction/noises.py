"""Noise beside a sound: of the microphones themselves, and of a room that is noisy everywhere."""

from __future__ import annotations

import numpy as np

from c3n_model.direction.steering import SPEED_OF_SOUND

_WAVES = 48
_PINK_FROM_HZ = 50.0


def microphone_noise(rng: np.random.Generator, samples: int, microphones: np.ndarray) -> np.ndarray:
    """Return white noise, independent in each of the microphones (m, 3): float64 (samples, m), of a mean square of 1."""
    return rng.normal(size=(samples, len(microphones)))


def noise_from_all_sides(rng: np.random.Generator, samples: int, rate: int, microphones: np.ndarray) -> np.ndarray:
    """Return pink noise of plane waves from everywhere at microphones (m, 3), metres: float64 (samples, m), of a mean square of 1.

    Two microphones `d` metres apart hear it with a coherence of about sin(x) / x, x = 2 pi f d / c: the same below some c / 4d.
    """
    hertz = np.fft.rfftfreq(samples, 1 / rate)
    spectra = np.zeros((len(hertz), len(microphones)), complex)
    for _ in range(_WAVES):
        ray = rng.normal(size=3)
        earlier_s = microphones @ (ray / np.linalg.norm(ray)) / SPEED_OF_SOUND
        wave = rng.normal(size=len(hertz)) + 1j * rng.normal(size=len(hertz))
        spectra += wave[:, None] * np.exp(2j * np.pi * np.outer(hertz, earlier_s))
    noise = np.fft.irfft(spectra / np.sqrt(np.maximum(hertz, _PINK_FROM_HZ))[:, None], samples, axis=0)
    return noise / np.sqrt(np.square(noise).mean())
