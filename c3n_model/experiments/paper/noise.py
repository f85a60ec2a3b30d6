"""Add Gaussian noise to the sound or the frames of a clip, for Tables VI and VII and Figure 10.

The paper does not define its signal-to-noise ratio. Here it is a ratio of powers (mean squares): at r dB, the noise has
10^(-r / 10) times the power of the signal.
"""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np

from c3n_model.types import Clip

_AUDIO, _VISUAL = 0, 1  # independent random streams


def add_audio_noise(clip: Clip, snr_db: float, seed: int) -> Clip:
    """Return `clip` with white Gaussian noise in its sound.

    The signal power is that of the whole clip, so the noise is equally loud in loud and in quiet seconds. Samples are not
    clipped: at negative ratios they exceed [-1, 1]. A clip of digital silence has no power and stays silent at every ratio.

    The noise depends on the clip's name and `seed`, not on the order of the clips; other ratios only change its gain.
    """
    signal = clip.snippets.astype(np.float64)
    deviation = _noise_deviation(np.mean(signal**2, keepdims=True), snr_db)
    noise = _random(clip, seed, _AUDIO).standard_normal(signal.shape) * deviation
    return replace(clip, snippets=(signal + noise).astype(np.float32))


def add_visual_noise(clip: Clip, snr_db: float, seed: int) -> Clip:
    """Return `clip` with Gaussian noise in its frames, independent for each pixel and channel.

    The signal power is that of each frame: the mean square of its values in [0, 255] over all pixels and channels, so a dark
    frame gets little noise and a black one none. The result is rounded and clipped to [0, 255], which makes the noise
    slightly weaker than specified. Seeded as in `add_audio_noise`.
    """
    signal = clip.frames.astype(np.float64)
    deviation = _noise_deviation(np.mean(signal**2, axis=(1, 2, 3), keepdims=True), snr_db)
    noise = _random(clip, seed, _VISUAL).standard_normal(signal.shape) * deviation
    return replace(clip, frames=np.clip(np.rint(signal + noise), 0, 255).astype(np.uint8))


def _noise_deviation(signal_power: np.ndarray, snr_db: float) -> np.ndarray:
    return np.sqrt(signal_power * 10 ** (-snr_db / 10))


def _random(clip: Clip, seed: int, stream: int) -> np.random.Generator:
    return np.random.default_rng([seed, stream, zlib.crc32(clip.name.encode())])
