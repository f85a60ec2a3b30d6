"""Scenes of several things of one kind, of which one moves in time with the sound: drawn discs, or one cut-out pasted several times."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from c3n_model.experiments.motion.sounds import SECONDS, STEPS_PER_S

WIDTH, HEIGHT, IMAGES_PER_S = 96, 72, 30  # pictures are drawn at the size at which motion is compared
BORDER = 24  # pixels of the background around the picture, for a camera that moves
COUPLED = ("bob", "shake", "stroke", "talk")
_INERTIA = np.hanning(12)[1:-1] / np.hanning(12)[1:-1].sum()  # 0.1 s: a body follows a sound no faster


@dataclass(frozen=True)
class Motion:
    """What a thing does at each image: `offsets` float64 (n, 2) in pixels, and how far its mouth is open, float64 (n,) in [0, 1]."""

    offsets: np.ndarray
    mouth: np.ndarray


@dataclass
class Thing:
    """A thing at `centre` (x, y) of the picture: `gray` float32 (h, w) in [0, 255], `alpha` float32 (h, w), and its motion."""

    gray: np.ndarray
    alpha: np.ndarray
    centre: tuple[float, float]
    motion: Motion = field(default_factory=lambda: still(np.random.default_rng(0)))

    def draw(self, picture: np.ndarray, number: int, camera: np.ndarray) -> None:
        """Draw the thing as it is in image `number` into `picture` float32 (h, w)."""
        gray, opening = self.gray, float(self.motion.mouth[number])
        if opening > 0.02:
            height, width = gray.shape
            gray, axes = gray.copy(), (round(0.17 * width), max(round(0.12 * height * opening), 1))
            cv2.ellipse(gray, (width // 2, round(0.7 * height)), axes, 0, 0, 360, 10, -1, cv2.LINE_AA)
        alpha = self.alpha_in(number, camera)
        picture *= 1 - alpha
        picture += alpha * self._placed(gray, number, camera)

    def alpha_in(self, number: int, camera: np.ndarray) -> np.ndarray:
        """Return the thing's opacity in image `number`, float32 (HEIGHT, WIDTH)."""
        return self._placed(self.alpha, number, camera)

    def _placed(self, layer: np.ndarray, number: int, camera: np.ndarray) -> np.ndarray:
        x, y = np.array(self.centre) + self.motion.offsets[number] - camera[number]
        height, width = layer.shape
        place = np.array([[1, 0, x - width / 2], [0, 1, y - height / 2]])
        return cv2.warpAffine(layer, place, (WIDTH, HEIGHT))


def texture(height: int, width: int, scale: int, random: np.random.Generator) -> np.ndarray:
    """Return a random smooth pattern, float32 (height, width) in [15, 235], with details of `scale` pixels and less."""
    layers = []
    for size, weight in ((3 * scale, 1.0), (scale, 0.7), (max(scale // 3, 1), 0.3)):
        coarse = random.uniform(size=(max(height // size, 2), max(width // size, 2))).astype(np.float32)
        layers.append(weight * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))
    pattern = np.sum(layers, axis=0)
    return (15 + 220 * (pattern - pattern.min()) / np.ptp(pattern)).astype(np.float32)


def disc(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return a patterned disc of random size: gray and alpha float32 (h, w)."""
    radius = int(random.uniform(6, 11))
    y, x = np.mgrid[: 2 * radius, : 2 * radius] - radius + 0.5
    alpha = np.clip(radius - np.hypot(x / random.uniform(0.7, 1), y), 0, 1).astype(np.float32)
    return texture(2 * radius, 2 * radius, 4, random), alpha


def coupled(level: np.ndarray, random: np.random.Generator) -> Motion:
    """Return a motion in time with `level`: of one of COUPLED, up to 0.1 s before the sound or 0.03 s after it."""
    kind, times_s = random.choice(COUPLED), _times_s() - random.uniform(-0.03, 0.1)
    way, size = random.uniform(0, 2 * np.pi), random.uniform(0.015, 0.06) * WIDTH
    follows = np.interp(times_s, np.arange(len(level)) / STEPS_PER_S, np.convolve(level, _INERTIA, "same"))
    if kind == "talk":
        return Motion(_idle(random), follows)
    if kind == "shake":
        follows = follows * np.sin(2 * np.pi * random.uniform(2.5, 7) * times_s)
    elif kind == "stroke":
        follows = _strokes(level, times_s)
    return Motion(_idle(random) + size * follows[:, None] * [np.cos(way), np.sin(way)], np.zeros(len(times_s)))


def uncoupled(level: np.ndarray, random: np.random.Generator) -> Motion:
    """Return a motion that has nothing to do with the sound: none, swaying, or in time with another sound's `level`."""
    kind = random.choice(["still", "sway", "other"])
    return still(random) if kind == "still" else sway(random) if kind == "sway" else coupled(level, random)


def still(random: np.random.Generator) -> Motion:
    """Return the motion of what stands still but for a tremor."""
    return Motion(_idle(random), np.zeros(SECONDS * IMAGES_PER_S))


def sway(random: np.random.Generator) -> Motion:
    """Return a slow regular motion."""
    way, size = random.uniform(0, 2 * np.pi), random.uniform(0.015, 0.06) * WIDTH
    swing = np.sin(2 * np.pi * (random.uniform(0.3, 1.5) * _times_s() + random.uniform()))
    return Motion(_idle(random) + size * swing[:, None] * [np.cos(way), np.sin(way)], np.zeros(len(swing)))


def camera_path(kind: str, random: np.random.Generator) -> np.ndarray:
    """Return where the camera looks at each image, float64 (n, 2) in pixels: "still", "pans" or "shakes"."""
    times_s = _times_s()
    if kind == "pans":
        turn = 18 * np.sin(2 * np.pi * random.uniform(0.1, 0.4) * times_s + random.uniform(0, 2 * np.pi))
        return np.stack([turn, 1.5 * np.sin(2 * np.pi * 0.3 * times_s)], axis=1)
    if kind == "shakes":
        return np.stack([np.convolve(random.normal(size=len(times_s)), [0.3] * 4, "same") for _ in range(2)], axis=1)
    return np.zeros((len(times_s), 2))


def draw(background: np.ndarray, things: list[Thing], number: int, camera: np.ndarray) -> np.ndarray:
    """Return image `number`, float32 (HEIGHT, WIDTH); `background` float32 has BORDER more pixels on each side."""
    move = np.array([[1, 0, -BORDER - camera[number, 0]], [0, 1, -BORDER - camera[number, 1]]])
    picture = cv2.warpAffine(background, move, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
    for thing in things:
        thing.draw(picture, number, camera)
    return picture


def _times_s() -> np.ndarray:
    return np.arange(SECONDS * IMAGES_PER_S) / IMAGES_PER_S


def _idle(random: np.random.Generator) -> np.ndarray:
    """Return a tremor of a fraction of a pixel that wanders, (n, 2)."""
    walk = np.cumsum(random.normal(scale=0.045, size=(SECONDS * IMAGES_PER_S, 2)), axis=0)
    return walk - np.stack([np.convolve(part, np.full(31, 1 / 31), "same") for part in walk.T], axis=1)


def _strokes(level: np.ndarray, times_s: np.ndarray) -> np.ndarray:
    """Return a stroke towards each onset of the level, within 0.12 s, and back within 0.3 s: (n,) in [0, 1]."""
    rises = np.flatnonzero(np.diff(level, prepend=0) > 0.2)
    onsets = rises[np.diff(rises, prepend=-STEPS_PER_S) > 5]
    after_s = times_s[:, None] - onsets / STEPS_PER_S
    strokes = np.where(after_s < 0, np.clip(1 + after_s / 0.12, 0, 1) ** 2, np.clip(1 - after_s / 0.3, 0, 1))
    return strokes.max(axis=1, initial=0.0)
