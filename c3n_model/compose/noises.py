"""Sounds without a source in view (silence, noise, room tone, a robot's own motor), and mixtures of two sounds."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Protocol

import numpy as np

SECONDS = 5  # the history of the zero-shot model
RATE = 32_000  # sample rate of the noises [Hz], before resampling to the model's rate
MOTOR_HZ, HARMONICS, WHINE_HZ = 90.0, 12, 1_800.0  # a small geared DC motor


class Heard(Protocol):
    """A sound with a `name` for reports."""

    name: str

    def seconds(self, sample_rate: int) -> np.ndarray:
        """Return the sound in seconds, oldest first: float32 (T, sample_rate) in [-1, 1], T >= 1."""


@dataclass(frozen=True)
class Noise:
    """A noise of `SECONDS` seconds at a level in dBFS (RMS). `kind` is a key of `KINDS`; `seed` chooses the realisation."""

    kind: str
    level_dbfs: float
    seed: str = ""

    @property
    def name(self) -> str:
        """The kind and, except for silence, the level."""
        return self.kind if self.kind == "digital silence" else f"{self.kind} {self.level_dbfs:.0f} dBFS"

    def seconds(self, sample_rate: int) -> np.ndarray:
        """Return the sound in seconds, see `Heard`."""
        random = np.random.default_rng(zlib.crc32(f"{self.kind}{self.seed}".encode()))
        wave = KINDS[self.kind](random, SECONDS * RATE)
        wave = wave * 10 ** (self.level_dbfs / 20) / max(rms(wave), 1e-12)
        if sample_rate != RATE:
            import soxr

            wave = soxr.resample(wave, RATE, sample_rate)
        return wave[: SECONDS * sample_rate].reshape(SECONDS, sample_rate).astype(np.float32)


@dataclass(frozen=True)
class Mixture:
    """The sum of `first` and `second`, whose RMS over all seconds is `snr_db` below that of `first`.

    `second` is repeated or truncated to the length of `first`. If the sum exceeds [-1, 1], it is scaled down as a whole, like
    by a lower microphone gain.
    """

    first: Heard
    second: Heard
    snr_db: float

    @property
    def name(self) -> str:
        return f"{self.first.name} + {self.second.name}"

    def seconds(self, sample_rate: int) -> np.ndarray:
        """Return the sound in seconds, see `Heard`."""
        first = self.first.seconds(sample_rate)
        second = np.resize(self.second.seconds(sample_rate), first.shape)
        total = first + second * (rms(first) / max(rms(second), 1e-12)) * 10 ** (-self.snr_db / 20)
        return (total / max(np.abs(total).max(), 1.0)).astype(np.float32)


def rms(wave: np.ndarray) -> float:
    """Return the root mean square of all samples."""
    return float(np.sqrt(np.mean(np.square(wave, dtype=np.float64))))


def _coloured(random: np.random.Generator, samples: int, exponent: float) -> np.ndarray:
    """Make noise whose power decreases with frequency^exponent above 20 Hz: 0 white, 1 pink, 2 brown."""
    spectrum = np.fft.rfft(random.standard_normal(samples))
    hertz = np.fft.rfftfreq(samples, 1 / RATE)
    return np.fft.irfft(spectrum * np.maximum(hertz, 20.0) ** (-exponent / 2), samples)


def _room(random: np.random.Generator, samples: int) -> np.ndarray:
    """Make the sound of ventilation (brown noise) with mains hum and two harmonics, 6 dB below it."""
    air, time = _coloured(random, samples, 2.0), np.arange(samples) / RATE
    hum = sum(np.sin(2 * np.pi * 50 * k * time + random.uniform(0, 6.28)) / k for k in (1, 2, 3))
    return air / rms(air) + 0.5 * hum / rms(hum)


def _motor(random: np.random.Generator, samples: int) -> np.ndarray:
    """Make the sound of a motor: shaft harmonics with a drifting speed, a modulated gear whine, and pink noise at -12 dB."""
    drift = np.interp(np.arange(samples), np.linspace(0, samples, 26), random.normal(0, 0.04, 26))
    phase = 2 * np.pi * np.cumsum(MOTOR_HZ * (1 + drift)) / RATE
    shaft = sum(np.sin(k * phase + random.uniform(0, 6.28)) / k for k in range(1, HARMONICS + 1))
    whine = np.sin(phase * WHINE_HZ / MOTOR_HZ) * (1 + 0.5 * np.sin(phase))
    pink = _coloured(random, samples, 1.0)
    return shaft / rms(shaft) + 0.3 * whine + 0.25 * pink / rms(pink)


KINDS = {
    "digital silence": lambda random, samples: np.zeros(samples),
    "white noise": lambda random, samples: _coloured(random, samples, 0.0),
    "pink noise": lambda random, samples: _coloured(random, samples, 1.0),
    "room tone": _room,
    "motor": _motor,
}
