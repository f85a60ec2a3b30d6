"""Gaussian noise at a signal-to-noise ratio in the sound or in the pictures of a clip: Tables VI and VII, Figure 10.

The paper names ratios and not what they are taken of. Here, of power, the mean square: a ratio of r dB means noise with
10^(-r / 10) times the power of the signal.
"""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np

from c3n_model.types import Clip

_AUDIO, _VISUAL = 0, 1  # streams of random numbers, so that no noise is the other's


def add_audio_noise(clip: Clip, snr_db: float, seed: int) -> Clip:
    """`clip` with white Gaussian noise in its sound.

    The signal's power is that of the whole clip, all T snippets together, so the noise is equally loud in loud and in quiet
    seconds. Nothing is clipped: at negative ratios samples leave [-1, 1]. A clip of digital silence has no power and stays
    silent at every ratio.

    The noise follows from the clip's name and `seed`, not from the order in which clips are read; for other ratios it is the
    same noise, louder or softer.
    """
    signal = clip.snippets.astype(np.float64)
    deviation = _noise_deviation(np.mean(signal**2, keepdims=True), snr_db)
    noise = _random(clip, seed, _AUDIO).standard_normal(signal.shape) * deviation
    return replace(clip, snippets=(signal + noise).astype(np.float32))


def add_visual_noise(clip: Clip, snr_db: float, seed: int) -> Clip:
    """`clip` with Gaussian noise in its frames, of its own for each pixel and colour.

    The signal's power is that of each frame alone: the mean square of its values from 0 to 255, all pixels and colours
    together, so a dark frame gets little noise and a black one none. The sum is rounded and clipped to [0, 255]; what is
    clipped makes the noise a little weaker than asked. Seeded as in `add_audio_noise`.
    """
    signal = clip.frames.astype(np.float64)
    deviation = _noise_deviation(np.mean(signal**2, axis=(1, 2, 3), keepdims=True), snr_db)
    noise = _random(clip, seed, _VISUAL).standard_normal(signal.shape) * deviation
    return replace(clip, frames=np.clip(np.rint(signal + noise), 0, 255).astype(np.uint8))


def _noise_deviation(signal_power: np.ndarray, snr_db: float) -> np.ndarray:
    return np.sqrt(signal_power * 10 ** (-snr_db / 10))


def _random(clip: Clip, seed: int, stream: int) -> np.random.Generator:
    return np.random.default_rng([seed, stream, zlib.crc32(clip.name.encode())])
