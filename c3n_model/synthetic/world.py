"""The synthetic world: eight classes that look and sound different, in four kinds of two varieties each.

The two varieties of a kind share their silhouette and differ only in their pattern, so a silent object can look similar to
a sounding one. Colours, sizes and tempos are random and carry no information. The world does not model real objects: it
allows every part of C3N to be trained, tested and demonstrated without downloads.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

SAMPLE_RATE = 16_000  # AVSBench's wav rate
KINDS = ("bell", "drum", "fan", "horn")
VISUAL_LABELS = tuple(f"{pattern} {kind}" for kind in KINDS for pattern in ("striped", "dotted"))
SOUNDS = ("low bell", "high bell", "slow drum", "fast drum", "slow fan", "fast fan", "falling horn", "rising horn")
AUDIO_LABELS = (*SOUNDS, "background")  # as in AudioSet, one label is not made by any object


def label_embeddings() -> tuple[np.ndarray, np.ndarray]:
    """Return the label embeddings E^A and E^V of Eqs. 3 and 4: float32 (9, 13) and (8, 13).

    An embedding has a common component, one for the kind and one for the variety: the cosine is 1 for a matching pair, 0.2
    within a kind, 0.04 across kinds. "background" is a zero vector, like an AudioSet label without a word vector.
    """
    visual = np.zeros((len(VISUAL_LABELS), 1 + len(KINDS) + len(VISUAL_LABELS)), np.float32)
    for index in range(len(VISUAL_LABELS)):
        visual[index, [0, 1 + index // 2, 1 + len(KINDS) + index]] = 0.2, 0.4, 0.894
    return np.vstack([visual, np.zeros((1, visual.shape[1]), np.float32)]), visual


# ---------------------------------------------------------------------------------------------------------- looks


@dataclass(frozen=True)
class Look:
    """Appearance of one object: `label` indexes VISUAL_LABELS; `base` and `accent` are RGB colours, 0 to 255.

    `phase`, `frequency` and `slant` describe the pattern.
    """

    label: int
    base: tuple[int, int, int]
    accent: tuple[int, int, int]
    frequency: float
    phase: float
    slant: float


def random_look(label: int, random: np.random.Generator) -> Look:
    """Draw the colours and the pattern of an object."""
    base = random.uniform(30, 230, size=3)
    accent = base + random.choice([-1, 1], size=3) * random.uniform(60, 130, size=3)
    return Look(
        label,
        tuple(int(v) for v in base),
        tuple(int(v) for v in np.clip(np.where((accent < 0) | (accent > 255), 2 * base - accent, accent), 0, 255)),
        frequency=random.uniform(2.2, 3.2),
        phase=random.uniform(0, 1),
        slant=random.uniform(-0.5, 0.5),
    )


def outline(kind: str) -> np.ndarray:
    """Return the silhouette of a kind as a polygon (n, 2) within [-1, 1]^2, y down."""
    if kind == "bell":
        height = np.linspace(-0.9, 0.75, 24)
        width = 0.28 + 0.12 * (height + 0.9) + 0.5 / (1 + np.exp(-7 * (height - 0.35)))
        right = np.stack([width, height], 1)
        return np.vstack(
            [[[0.0, -1.0]], right, [[0.25, 0.8], [0.12, 1.0], [-0.12, 1.0], [-0.25, 0.8]], right[::-1] * [-1, 1]]
        )
    if kind == "drum":
        angle = np.linspace(0, np.pi, 20)
        arc = np.stack([0.95 * np.cos(angle), 0.22 * np.sin(angle)], 1)
        return np.vstack([arc + [0, 0.5], (arc * [-1, -1]) + [0, -0.5]])
    if kind == "fan":
        angle = np.linspace(0, 2 * np.pi, 90, endpoint=False)
        radius = 0.35 + 0.65 * np.abs(np.cos(1.5 * angle)) ** 0.6
        return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)
    return np.array(
        [[-1, -0.22], [-0.2, -0.22], [0.55, -0.75], [0.95, -0.8], [0.95, 0.8], [0.55, 0.75], [-0.2, 0.22], [-1, 0.22]]
    )


def paint(
    rgb: np.ndarray, look: Look, centre: tuple[float, float], size: tuple[float, float], angle: float
) -> np.ndarray:
    """Paint an object into `rgb` (H, W, 3) uint8, in place.

    Args:
        centre: pixels (x, y); size: half width and half height in pixels; angle: radians, clockwise.
    Returns:
        The object's mask, bool (H, W).
    """
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    polygon = (outline(KINDS[look.label // 2]) * size) @ rotation.T + centre
    left, top = np.maximum(np.floor(polygon.min(0)).astype(int) - 1, 0)
    right, bottom = np.minimum(np.ceil(polygon.max(0)).astype(int) + 2, [rgb.shape[1], rgb.shape[0]])
    covered = np.zeros(rgb.shape[:2], bool)
    if left >= right or top >= bottom:
        return covered
    coverage = np.zeros((bottom - top, right - left), np.uint8)
    points = np.round((polygon - [left, top]) * 16).astype(np.int32)
    cv2.fillPoly(coverage, [points], 255, lineType=cv2.LINE_AA, shift=4)
    offset = np.stack(np.meshgrid(np.arange(left, right), np.arange(top, bottom)), -1) - np.asarray(centre)
    local = (offset @ rotation) / size
    colour = _pattern(look, local)
    alpha = coverage[..., None] / np.float32(255)
    region = rgb[top:bottom, left:right]
    region[:] = (region * (1 - alpha) + colour * alpha).astype(np.uint8)
    covered[top:bottom, left:right] = coverage > 127
    return covered


def _pattern(look: Look, local: np.ndarray) -> np.ndarray:
    """Return the surface colour, RGB float32 (H, W, 3), at local coordinates (H, W, 2) in [-1, 1]: pattern and shading."""
    kind, striped = KINDS[look.label // 2], look.label % 2 == 0
    across, along = _pattern_axes(kind, local, look.slant, striped)
    if striped:
        mix = 0.5 + 0.5 * np.tanh(6 * np.sin(np.pi * (look.frequency * across + 2 * look.phase)))
    else:  # dots: round on bells, square on drums, round along rings on fans, diamonds on horns
        cell = np.abs((np.stack([across, along], -1) * look.frequency / 1.1 + look.phase) % 1 - 0.5)
        size = {"drum": cell.max(-1), "horn": cell.sum(-1) * 0.8}.get(kind, np.hypot(cell[..., 0], cell[..., 1]))
        mix = 0.5 - 0.5 * np.tanh(18 * (size - 0.3))
    surface = np.asarray(look.base) + mix[..., None] * (np.asarray(look.accent) - np.asarray(look.base))
    shade = 1.0 - 0.18 * (local[..., 0] + local[..., 1])
    return np.clip(surface * shade[..., None], 0, 255).astype(np.float32)


def _pattern_axes(kind: str, local: np.ndarray, slant: float, striped: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the two pattern coordinates of a kind: vertical on bells, zigzag on drums, rings on fans, level on horns."""
    x, y = local[..., 0], local[..., 1]
    if kind == "drum" and striped:
        return y + 0.35 * np.abs((2.2 * x + slant) % 1 - 0.5) * 2, x
    if kind == "fan":
        return 1.3 * np.hypot(x, y), np.arctan2(y, x) * 0.9
    return (x + 0.3 * slant * y, y) if kind != "horn" else (1.2 * y + 0.3 * slant * x, x)


def backdrop(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Draw a textured background with clutter that belongs to no class: uint8 (height, width, 3)."""
    texture = np.zeros((height, width, 3), np.float32)
    for cells, strength in ((3, 40), (9, 22), (40, 12)):
        coarse = (random.normal(size=(cells, cells, 1)) + 0.4 * random.normal(size=(cells, cells, 3))).astype(
            np.float32
        )
        texture += strength * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    rgb = np.clip(texture + random.uniform(60, 190) + random.uniform(-35, 35, 3), 0, 255).astype(np.uint8)
    for _ in range(random.integers(3, 9)):
        colour = tuple(int(v) for v in random.uniform(20, 235, 3))
        x, y, size = random.uniform(0, width), random.uniform(0, height), random.uniform(0.03, 0.14) * height
        corners = np.array(
            [[x - size, y - size], [x + size, y - size * 0.6], [x + size * 0.8, y + size], [x - size, y + size]]
        )
        if random.random() < 0.4:
            cv2.circle(rgb, (int(x), int(y)), int(size), colour, thickness=-1, lineType=cv2.LINE_AA)
        else:
            cv2.fillPoly(rgb, [corners.astype(np.int32)], colour, lineType=cv2.LINE_AA)
    return rgb


# --------------------------------------------------------------------------------------------------------- sounds


def make_sound(sound: int, seconds: float, random: np.random.Generator) -> np.ndarray:
    """Synthesise the sound of class `sound` (index into SOUNDS): float32 (seconds * 16 kHz,), RMS 0.03 to 0.2."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    signal = (_bell, _drum, _fan, _horn)[sound // 2](sound % 2, time, random)
    signal *= random.uniform(0.03, 0.2) / max(np.sqrt(np.mean(signal**2)), 1e-6)
    return np.clip(signal, -1, 1).astype(np.float32)


def room_noise(seconds: float, random: np.random.Generator) -> np.ndarray:
    """Synthesise quiet coloured room noise, -60 to -45 dBFS: float32 (seconds * 16 kHz,)."""
    white = np.fft.rfft(random.normal(size=round(seconds * SAMPLE_RATE)))
    coloured = np.fft.irfft(
        white / np.maximum(np.arange(len(white)), 50) ** random.uniform(0.2, 0.6), round(seconds * SAMPLE_RATE)
    )
    return (coloured / coloured.std() * 10 ** (random.uniform(-60, -45) / 20)).astype(np.float32)


def _strikes(time: np.ndarray, period: float, random: np.random.Generator) -> np.ndarray:
    """Return the time since the latest strike [s], with a strike every `period` seconds from a random phase."""
    return (time + random.uniform(0, period)) % period


def _bell(variety: int, time: np.ndarray, random: np.random.Generator) -> np.ndarray:
    pitch, period, decay = (
        (random.uniform(180, 280), random.uniform(0.5, 0.75), 0.5),
        (random.uniform(700, 1000), random.uniform(0.22, 0.35), 0.2),
    )[variety]
    since = _strikes(time, period, random)
    partials = zip((1.0, 2.0, 2.4, 3.0, 4.5), (1.0, 0.7, 0.5, 0.4, 0.25), strict=True)
    return sum(
        gain * np.exp(-since * ratio**0.5 / decay) * np.sin(2 * np.pi * pitch * ratio * since)
        for ratio, gain in partials
    )


def _drum(variety: int, time: np.ndarray, random: np.random.Generator) -> np.ndarray:
    pitch, period, decay = (
        (random.uniform(60, 95), random.uniform(0.4, 0.6), 0.14),
        (random.uniform(170, 260), random.uniform(0.1, 0.15), 0.04),
    )[variety]
    since = _strikes(time, period, random)
    thump = np.sin(2 * np.pi * pitch * (since - 0.2 * since**2)) * np.exp(-since / decay)
    return thump + 0.35 * random.normal(size=len(time)) * np.exp(-since / (0.2 * decay))


def _fan(variety: int, time: np.ndarray, random: np.random.Generator) -> np.ndarray:
    pitch, rate = ((random.uniform(80, 130), random.uniform(3, 5)), (random.uniform(280, 420), random.uniform(15, 25)))[
        variety
    ]
    buzz = 2 * ((pitch * time + random.uniform()) % 1) - 1 + 0.4 * random.normal(size=len(time))
    return buzz * (0.55 + 0.45 * np.sin(2 * np.pi * (rate * time + random.uniform())))


def _horn(variety: int, time: np.ndarray, random: np.random.Generator) -> np.ndarray:
    start, stop, rate = (
        (random.uniform(1100, 1400), random.uniform(450, 600), random.uniform(0.9, 1.3)),
        (random.uniform(400, 550), random.uniform(1000, 1300), random.uniform(1.8, 2.4)),
    )[variety]
    sweep = (rate * time + random.uniform()) % 1
    phase = 2 * np.pi * np.cumsum(start + (stop - start) * sweep) / SAMPLE_RATE
    return np.sin(phase) + 0.5 * np.sin(2 * phase) + 0.25 * np.sin(3 * phase)
