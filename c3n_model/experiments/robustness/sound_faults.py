"""Faults of a robot's microphone: clipping, a narrow band, reverberation. Sound is float32 (T, samples), one row per second.

The rows are consecutive seconds of one recording; filters run over all of them.
"""

from __future__ import annotations

import numpy as np
from scipy import signal

CLIPPING_GAIN_DB = 20.0
TELEPHONE_HZ = (300.0, 3400.0)  # ITU-T G.712's band
REVERBERATION_S = 0.8  # time in which reverberation falls by 60 dB: a hall or a bare corridor
REVERBERANT_DB = 0.0  # energy of the reverberation relative to the direct sound: beyond the critical distance


def clipped(snippets: np.ndarray) -> np.ndarray:
    """Return the sound with a microphone gain that is `CLIPPING_GAIN_DB` too high, cut to [-1, 1]."""
    return np.clip(snippets * np.float32(10 ** (CLIPPING_GAIN_DB / 20)), -1, 1)


def telephone(snippets: np.ndarray, sample_rate: int) -> np.ndarray:
    """Return the sound limited to `TELEPHONE_HZ`, by a Butterworth filter of order 4."""
    sections = signal.butter(4, TELEPHONE_HZ, "bandpass", fs=sample_rate, output="sos")
    return signal.sosfilt(sections, snippets.ravel()).reshape(snippets.shape).astype(np.float32)


def reverberant(snippets: np.ndarray, sample_rate: int, random: np.random.Generator) -> np.ndarray:
    """Return the sound in a room: the direct sound and decaying noise as the impulse response (Polack's model).

    The sum is scaled to the level of the original.
    """
    time_s = np.arange(round(REVERBERATION_S * sample_rate)) / sample_rate
    tail = random.standard_normal(len(time_s)) * 10 ** (-3 * time_s / REVERBERATION_S)
    tail *= 10 ** (REVERBERANT_DB / 20) / np.linalg.norm(tail)
    tail[0] += 1.0
    sound = snippets.ravel()
    heard = signal.fftconvolve(sound, tail)[: len(sound)]
    level = np.sqrt(np.mean(np.square(sound, dtype=np.float64)) / max(np.mean(heard**2), 1e-20))
    return (heard * level).reshape(snippets.shape).astype(np.float32)
