"""Sounds with a rhythm, synthetic or from files, and how loud they are over time."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from c3n_model.compose.cutout_files import read_alpha
from c3n_model.experiments.zero_shot.sounds import SUFFIXES, read_sound

RATE = 8_000  # Hz
SECONDS = 6
STEPS_PER_S = 100
_SHORTEST_S = 4.0  # of a sound file
_CUTOUT_SIDE = 22  # pixels, the longer side of a cut-out in a picture


def synthetic_level(random: np.random.Generator) -> np.ndarray:
    """Return a random rhythm as level over time, float64 (SECONDS * STEPS_PER_S,) in [0, 1]: regular, irregular or in phrases."""
    level = np.zeros(SECONDS * STEPS_PER_S)
    kind, period_s = random.choice(["regular", "irregular", "phrases"]), 1 / random.uniform(1.0, 4.0)
    begin_s = random.uniform(0, 0.5)
    while begin_s < SECONDS:
        decay_s = min(0.5 * period_s, 0.2) if kind == "regular" else random.uniform(0.06, 0.3)
        after_s = np.arange(len(level)) / STEPS_PER_S - begin_s
        shape = np.where(after_s < 0.02, after_s / 0.02, np.exp(-2 * (after_s - 0.02) / decay_s))
        level = np.maximum(level, random.uniform(0.5, 1.0) * np.where(after_s >= 0, shape, 0.0))
        if kind == "regular":
            begin_s += period_s
        elif kind == "irregular":
            begin_s += 0.12 + 0.8 * random.exponential(period_s)
        else:
            begin_s += random.uniform(0.15, 0.3) + (random.uniform(0.5, 1.5) if random.uniform() < 0.2 else 0.0)
    return level


def synthetic_sound(level: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return tones and noise of this level, float64 (SECONDS * RATE,)."""
    time_s = np.arange(SECONDS * RATE) / RATE
    hertz = random.uniform(90, 600) * (1 + 0.1 * np.sin(2 * np.pi * random.uniform(0.3, 2) * time_s))
    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    tones = np.sum([np.sin(number * phase) / number for number in range(1, 6)], axis=0)
    mixed = tones * random.uniform(0, 1) + random.normal(size=len(time_s)) * random.uniform(0.2, 1)
    return 0.1 * mixed * np.interp(time_s, np.arange(len(level)) / STEPS_PER_S, level)


def read_sounds(folder: Path) -> list[np.ndarray]:
    """Return the sounds in a folder and its subfolders that last 4 s or longer, repeated up to SECONDS, float32 (SECONDS * RATE,) each.

    Raises ValueError for fewer than two.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    return _two_or_more([sound for path in paths if (sound := _read(path)) is not None], folder)


def read_cutouts(folder: Path) -> tuple[list[tuple[np.ndarray, np.ndarray]], list[np.ndarray]]:
    """Return cut-outs, gray and alpha float32 (h, w), and the sound of each as `read_sounds`, of which there must be two or more."""
    cutouts, sounds = [], []
    for picture in sorted(folder.glob("*.png")):
        path = next((found for suffix in SUFFIXES if (found := picture.with_suffix(suffix)).is_file()), None)
        sound = _read(path) if path is not None else None
        if sound is not None:
            rgb, alpha = read_alpha(picture)
            scale = _CUTOUT_SIDE / max(alpha.shape)
            size = tuple(max(round(side * scale), 2) for side in alpha.shape[::-1])
            gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
            cutouts.append(tuple(cv2.resize(layer, size, interpolation=cv2.INTER_AREA) for layer in (gray, alpha)))
            sounds.append(sound)
    return cutouts, _two_or_more(sounds, folder)


def _read(path: Path) -> np.ndarray | None:
    """Return a sound, repeated up to SECONDS; None if it is too short."""
    sound = read_sound(path, path.stem, "", frozenset()).waveform(RATE)
    return np.resize(sound, SECONDS * RATE) if len(sound) >= _SHORTEST_S * RATE else None


def _two_or_more(sounds: list[np.ndarray], folder: Path) -> list[np.ndarray]:
    if len(sounds) < 2:
        raise ValueError(
            f"expected 2 or more sounds of {_SHORTEST_S:g} s or longer in {folder}, got {len(sounds)}; known are {', '.join(SUFFIXES)}"
        )
    return sounds


def level_of(sound: np.ndarray) -> np.ndarray:
    """Return the square root of a sound's amplitude over time, relative to its maximum, float64 (SECONDS * STEPS_PER_S,)."""
    power = np.square(sound.reshape(-1, RATE // STEPS_PER_S), dtype=np.float64).mean(axis=1)
    return (power / max(float(power.max()), 1e-12)) ** 0.25
