"""Synthetic sounds of many kinds, to train on: real recordings are left for tests. Each is float64 (samples,) at RATE."""

from __future__ import annotations

import numpy as np

from c3n_model.experiments.direction.bench import RATE, synthetic_sound


def varied_sound(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Return syllables, bursts, a steady noise or calls, sometimes two of them at once; of a variance of 1."""
    sound = _one(rng, samples)
    return sound + rng.uniform(0.1, 1) * _one(rng, samples) if rng.uniform() < 0.3 else sound


def _one(rng: np.random.Generator, samples: int) -> np.ndarray:
    sound = (_syllables, _bursts, _steady, _calls)[rng.integers(4)](rng, samples)
    return sound / max(float(sound.std()), 1e-9)


def _syllables(rng: np.random.Generator, samples: int) -> np.ndarray:
    seconds = [synthetic_sound(rng) for _ in range(-(-samples // RATE))]
    return np.concatenate(seconds)[:samples]


def _noise(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Return noise that falls towards high frequencies, in half of the cases around a resonance."""
    spectrum, hertz = np.fft.rfft(rng.normal(size=samples)), np.maximum(np.fft.rfftfreq(samples, 1 / RATE), 50)
    spectrum *= (hertz / 1000) ** -rng.uniform(0, 1.5)
    if rng.uniform() < 0.5:
        centre, octaves = _between(rng, 400, 6000), rng.uniform(0.1, 1)
        spectrum *= 0.05 + np.exp(-((np.log(hertz / centre) / octaves) ** 2))
    noise = np.fft.irfft(spectrum, samples)
    return noise / noise.std()


def _bursts(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Return 1 to 12 knocks, barks or claps: a rise within 0.5 to 50 ms, a decay within 3 to 300 ms."""
    loudness, time = np.zeros(samples), np.arange(samples) / RATE
    for _ in range(rng.integers(1, 13)):
        since = np.maximum(time - rng.uniform(0, samples / RATE), 0)
        decay_s, rise_s = _between(rng, 0.003, 0.3), _between(rng, 0.0005, 0.05)
        loudness = np.maximum(loudness, rng.uniform(0.2, 1) * (1 - np.exp(-since / rise_s)) * np.exp(-since / decay_s))
    return _noise(rng, samples) * loudness


def _steady(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Return an engine, rain or a saw: noise whose loudness changes 1 to 30 times a second, or hardly."""
    turns = _between(rng, 1, 30) * np.arange(samples) / RATE + rng.uniform()
    return _noise(rng, samples) * (1 + rng.uniform(0, 1) * np.sin(2 * np.pi * turns)) ** rng.uniform(0.5, 3)


def _calls(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Return tones of 150 to 3000 Hz that glide, with overtones and some breath, that come and go."""
    time, tone_hz = np.arange(samples) / RATE, _between(rng, 150, 3000)
    glide = 1 + rng.uniform(0, 0.3) * np.sin(2 * np.pi * (rng.uniform(0.5, 8) * time + rng.uniform()))
    phase, falls = 2 * np.pi * np.cumsum(tone_hz * glide) / RATE, rng.uniform(0.3, 2)
    overtones = range(1, int(min(40, 6000 / tone_hz)) + 1)
    voice = np.sum([np.sin(k * phase + rng.uniform(0, 2 * np.pi)) / k**falls for k in overtones], axis=0)
    loudness = np.sin(2 * np.pi * (rng.uniform(0.5, 6) * time + rng.uniform())) + rng.uniform(-0.7, 1)
    return voice * np.clip(loudness * rng.uniform(1, 20), 0, 1) + 10 ** -rng.uniform(0.7, 2.5) * rng.normal(
        size=samples
    )


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    """Return a number from [low, high] whose logarithm is drawn evenly."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
