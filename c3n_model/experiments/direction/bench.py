"""How often the right one of two objects of a class is chosen, and a sound from behind is said not to be in view.

Each scene is a furnished room's size of box with echo, a camera with an array at its place, and two objects of one class; one of
them sounds, at a signal-to-noise ratio of independent noise in each microphone. The objects are given: what is measured is the
direction alone, from samples to the decision.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from c3n_model.direction.microphone_array import MicrophoneArray
from c3n_model.direction.sound_bearing import measure_bearing, rays_of
from c3n_model.direction.which_object import Pinhole, choose_object
from c3n_model.experiments.direction.rooms import Room
from c3n_model.types import Presence, Segmentation, SoundingObject, UnifiedLabel

RATE = 16_000  # Hz
VIEW = Pinhole(640, 480, 70.0)
OBJECT_WIDTH_M, OBJECT_HEIGHT_M = 0.25, 0.25
DISTANCES_M, WALL_M = (1.0, 2.5), 0.3
LEVEL = 0.05  # RMS of the sound
BEHIND = "behind"  # in the place of the angle between two objects


@dataclass(frozen=True)
class Conditions:
    """What a row of the table measures: degrees between the objects, or BEHIND for a sound that has no object; seconds of
    reverberation, and dB of signal to noise."""

    apart: float | str
    reverberation_s: float
    snr_db: float


def measure(
    array: MicrophoneArray, conditions: Conditions, scenes: int, sounds: Sequence[np.ndarray], seed: int = 0
) -> Counter:
    """Count "right", "undecided" and "wrong" decisions in `scenes` rooms; `sounds` are seconds float (RATE,), or empty for
    synthetic ones."""
    outcomes: Counter = Counter(right=0, undecided=0, wrong=0)
    for number in range(scenes):
        rng = np.random.default_rng([seed, number])
        sound = sounds[number % len(sounds)] if sounds else synthetic_sound(rng)
        outcomes[_decide(array, conditions, sound, rng)] += 1
    return outcomes


def synthetic_sound(rng: np.random.Generator) -> np.ndarray:
    """Return a second of syllables: a tone with overtones that comes and goes, and some breath; float64 (RATE,)."""
    time = np.arange(RATE) / RATE
    glide = rng.uniform(90, 250) * (1 + 0.1 * np.sin(2 * np.pi * (rng.uniform(1, 3) * time + rng.uniform())))
    phase = 2 * np.pi * np.cumsum(glide) / RATE
    voice = np.sum([np.sin(k * phase + rng.uniform(0, 2 * np.pi)) / k for k in range(1, 25)], axis=0)
    loud = np.clip(np.sin(2 * np.pi * (rng.uniform(2, 5) * time + rng.uniform())), 0, 1)
    return voice * loud + 0.05 * rng.normal(size=RATE)


def _decide(array: MicrophoneArray, conditions: Conditions, sound: np.ndarray, rng: np.random.Generator) -> str:
    first, second, source = _bearings(conditions.apart, rng)
    elevations = rng.uniform(-0.15, 0.15, size=2)
    distances = rng.uniform(*DISTANCES_M, size=2)
    segmentation, indices = seen_at([first, second], elevations, distances)
    heard = _heard(array, conditions, sound, rays_of(np.array(source), elevations[0]) * distances[0], rng)
    chosen = choose_object(segmentation, measure_bearing(heard, array), VIEW)
    if conditions.apart == BEHIND:
        kept_all = len(chosen.objects) == 2
        return "right" if chosen.sound.decision == "not in view" else "undecided" if kept_all else "wrong"
    if not chosen.objects:
        return "wrong"
    if len(chosen.objects) == 2:
        return "undecided"
    return "right" if chosen.objects[0] == segmentation.objects[indices[0]] else "wrong"


def _bearings(apart: float | str, rng: np.random.Generator) -> tuple[float, float, float]:
    """Return the bearings of two objects in the picture and of the sound, radians: that of the first, or one behind."""
    if apart == BEHIND:
        left, right = np.deg2rad(rng.uniform(5, 25)), np.deg2rad(rng.uniform(-25, -5))
        return left, right, np.deg2rad(rng.uniform(100, 260))
    angle = np.deg2rad(float(apart))
    middle = rng.uniform(-np.deg2rad(28) + angle / 2, np.deg2rad(28) - angle / 2)
    side = rng.choice([-0.5, 0.5])
    return middle + side * angle, middle - side * angle, middle + side * angle


def seen_at(bearings: Sequence[float], elevations: np.ndarray, distances: np.ndarray) -> tuple[Segmentation, list[int]]:
    """Return a segmentation of objects of one class, and the number of each in it: the largest comes first, as in a session."""
    focal = VIEW.width / 2 / np.tan(np.deg2rad(VIEW.horizontal_fov_deg) / 2)
    numbers = np.zeros((VIEW.height, VIEW.width), np.uint16)
    order = [int(index) for index in np.argsort(distances)]
    objects: list[SoundingObject] = []
    for index in order:
        x, y, z = rays_of(np.array(bearings[index]), np.array(elevations[index]))
        column, row = VIEW.width / 2 + focal * x / z, VIEW.height / 2 + focal * y / z
        half_width, half_height = (focal * side / distances[index] / 2 for side in (OBJECT_WIDTH_M, OBJECT_HEIGHT_M))
        columns = slice(max(round(column - half_width), 0), min(round(column + half_width), VIEW.width))
        rows = slice(max(round(row - half_height), 0), min(round(row + half_height), VIEW.height))
        box = (columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)
        objects.append(SoundingObject("person", 0.9, box, (column - 0.5, row - 0.5), box[2] * box[3]))
        numbers[rows, columns] = np.where(numbers[rows, columns] == 0, len(objects), numbers[rows, columns])
    mask, label = numbers > 0, UnifiedLabel("Speech", "person", 0.9, 0.9, 0.9, 0.9)
    confidence = mask.astype(np.uint8) * np.uint8(255)
    segmentation = Segmentation(
        0, 1, "", mask, confidence, label, Presence(True, 0.9, -20.0), tuple(objects), object_numbers=numbers
    )
    return segmentation, [order.index(index) for index in range(len(bearings))]


def _heard(
    array: MicrophoneArray, conditions: Conditions, sound: np.ndarray, source: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return what the array hears in a random room of a source (3,) in the camera's optical frame: float64 (n, m)."""
    for room, yaw, camera in _places(conditions.reverberation_s, rng):
        place = camera + _level(source, yaw)
        if (place > WALL_M).all() and (place < room.size - WALL_M).all():
            heard = room.record(sound, RATE, place, camera + _level(array.positions, yaw))
            heard *= LEVEL / max(float(np.sqrt(np.square(heard).mean())), 1e-9)
            return heard + rng.normal(size=heard.shape) * LEVEL * 10 ** (-conditions.snr_db / 20)
    raise AssertionError("_places does not end")


def _places(reverberation_s: float, rng: np.random.Generator) -> Iterator[tuple[Room, float, np.ndarray]]:
    """Yield rooms, each with a direction and a place of the camera in it."""
    while True:
        size = rng.uniform([4.0, 3.5, 2.5], [7.0, 6.0, 3.0])
        yield (
            Room(size, reverberation_s),
            rng.uniform(-np.pi, np.pi),
            rng.uniform([0.8, 0.8, 0.9], [*(size[:2] - 0.8), 1.3]),
        )


def _level(points: np.ndarray, yaw: float) -> np.ndarray:
    """Turn points (..., 3) of the optical frame into a room's (x, y level, z up), for a camera that looks along `yaw`."""
    x, y, z = np.moveaxis(points, -1, 0)
    return np.stack([np.cos(yaw) * z + np.sin(yaw) * x, np.sin(yaw) * z - np.cos(yaw) * x, -y], axis=-1)
