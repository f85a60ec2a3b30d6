"""How often the right one of two objects of a class is chosen, and a sound from behind is said not to be in view.

Each scene is a box of a room's size with echo, a camera with an array at its place, and objects of one class; one of them sounds, in
noise: in every other scene white noise of the microphones themselves, else pink noise from all sides. One recording serves all angles
between two objects, because the silent one changes nothing. The objects are given: what is measured is the direction alone, from
samples to the decision of `choose_object`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from c3n_model.direction.heard_before import HeardBefore
from c3n_model.direction.microphone_array import MicrophoneArray
from c3n_model.direction.sound_bearing import measure_bearing, wrapped
from c3n_model.direction.steering import rays_of
from c3n_model.direction.which_object import Pinhole, choose_object
from c3n_model.experiments.direction.noises import microphone_noise, noise_from_all_sides
from c3n_model.experiments.direction.rooms import Room
from c3n_model.types import (
    NANOSECONDS_PER_SECOND,
    Presence,
    Segmentation,
    SoundBearing,
    SoundingObject,
    UnifiedLabel,
)

RATE = 16_000  # Hz
VIEW = Pinhole(640, 480, 70.0)
OBJECT_WIDTH_M, OBJECT_HEIGHT_M = 0.25, 0.25
SIDE = np.deg2rad(28.0)  # the farthest that objects are from the middle of the picture
BEHIND = np.deg2rad(55.0)  # the nearest to the middle of the picture that a sound without an object is
WALL_M = 0.3
LEVEL = 0.05  # RMS of the sound
NOISES = ("microphones", "all sides")

Range = tuple[float, float]


@dataclass(frozen=True)
class Conditions:
    """The ranges that scenes are drawn from: seconds of reverberation (RT60), dB of signal to noise, metres to the objects; and how many
    seconds of the sound are heard before the decision."""

    reverberation_s: Range = (0.1, 0.8)
    snr_db: Range = (0.0, 30.0)
    distance_m: Range = (1.0, 4.0)
    seconds: int = 1


@dataclass(frozen=True)
class Scene:
    """What a scene was, and what came out: `error` of the bearing in degrees (of the nearer one, if there are two), and "right",
    "undecided" or "wrong" for each angle in degrees at which a second object was; for a sound from outside, under `outside`."""

    reverberation_s: float
    snr_db: float
    distance_m: float
    noise: str
    error: float
    decisions: dict[float, str] = field(default_factory=dict)
    outside: str = ""


def measure(
    array: MicrophoneArray,
    conditions: Conditions,
    apart: Sequence[float],
    scenes: int,
    sounds: Sequence[np.ndarray],
    seed: int = 0,
    outside: bool = False,
) -> list[Scene]:
    """Return what came out in `scenes` rooms with a second object `apart` degrees away, or whose sound comes from `outside` the picture.

    `sounds` are seconds float (RATE,), or empty for synthetic ones.
    """
    return [
        _scene(array, conditions, apart, sounds, outside, np.random.default_rng([seed, number, int(outside)]), number)
        for number in range(scenes)
    ]


def synthetic_sound(rng: np.random.Generator) -> np.ndarray:
    """Return a second of syllables: a tone with overtones that comes and goes, and some breath; float64 (RATE,)."""
    time = np.arange(RATE) / RATE
    glide = rng.uniform(90, 250) * (1 + 0.1 * np.sin(2 * np.pi * (rng.uniform(1, 3) * time + rng.uniform())))
    phase = 2 * np.pi * np.cumsum(glide) / RATE
    voice = np.sum([np.sin(k * phase + rng.uniform(0, 2 * np.pi)) / k for k in range(1, 25)], axis=0)
    loud = np.clip(np.sin(2 * np.pi * (rng.uniform(2, 5) * time + rng.uniform())), 0, 1)
    return voice * loud + 0.05 * rng.normal(size=RATE)


def _scene(
    array: MicrophoneArray,
    conditions: Conditions,
    apart: Sequence[float],
    sounds: Sequence[np.ndarray],
    outside: bool,
    rng: np.random.Generator,
    number: int,
) -> Scene:
    reverberation_s, snr_db, distance = (
        float(rng.uniform(*limits)) for limits in (conditions.reverberation_s, conditions.snr_db, conditions.distance_m)
    )
    if sounds:
        sound = np.tile(sounds[int(rng.integers(len(sounds)))], conditions.seconds)
    else:
        sound = np.concatenate([synthetic_sound(rng) for _ in range(conditions.seconds)])
    bearing = wrapped(rng.uniform(BEHIND, 2 * np.pi - BEHIND)) if outside else rng.uniform(-SIDE, SIDE)
    elevation, noise = rng.uniform(-0.15, 0.15), NOISES[number % 2]
    source = rays_of(np.array(bearing), np.array(elevation)) * distance
    heard = heard_in_room(array, reverberation_s, sound, source, rng)
    noises = microphone_noise(rng, len(heard), array.positions)
    if noise == NOISES[1]:
        noises = noise_from_all_sides(rng, len(heard), RATE, array.positions)
    mixture = heard + noises * LEVEL * 10 ** (-snr_db / 20)
    found = [measure_bearing(second, array) for second in np.split(mixture, conditions.seconds)]
    scene = Scene(reverberation_s, snr_db, distance, noise, _error(found[-1], bearing))
    if outside:
        return replace(scene, outside=_without_object(found, conditions, rng))
    places = (bearing, elevation, distance)
    decisions = {angle: _of_two(found, places, np.deg2rad(angle), conditions, rng) for angle in apart}
    return replace(scene, decisions={angle: decision for angle, decision in decisions.items() if decision})


def _error(found: SoundBearing, bearing: float) -> float:
    """Return how far a bearing, or the nearer one of two, is from the true one, degrees."""
    bearings = [one for one in (found.bearing, found.mirrored) if one is not None]
    return float(np.rad2deg(min((abs(wrapped(one - bearing)) for one in bearings), default=np.pi)))


def _of_two(
    found: list[SoundBearing],
    place: tuple[float, float, float],
    apart: float,
    conditions: Conditions,
    rng: np.random.Generator,
) -> str:
    """Return the decision between the object that sounds, at bearing, elevation and distance, and another one; "" if no other one
    has a place in the picture."""
    bearing, elevation, distance = place
    elsewhere = [bearing + side * apart for side in rng.permutation([-1, 1]) if abs(bearing + side * apart) <= SIDE]
    if not elsewhere:
        return ""
    elevations = np.array([elevation, rng.uniform(-0.15, 0.15)])
    distances = np.array([distance, rng.uniform(*conditions.distance_m)])
    segmentation, indices = seen_at([bearing, elsewhere[0]], elevations, distances)
    chosen = _after(found, segmentation)
    if len(chosen.objects) == 2:
        return "undecided"
    return "right" if chosen.objects == (segmentation.objects[indices[0]],) else "wrong"


def _without_object(found: list[SoundBearing], conditions: Conditions, rng: np.random.Generator) -> str:
    """Return the decision about a sound from outside the picture, in which two silent objects are."""
    bearings = np.deg2rad([rng.uniform(5, 25), rng.uniform(-25, -5)])
    segmentation, _ = seen_at(bearings, np.zeros(2), rng.uniform(*conditions.distance_m, size=2))
    chosen = _after(found, segmentation)
    if chosen.sound.decision == "not in view":
        return "right"
    return "undecided" if len(chosen.objects) == 2 else "wrong"


def _after(found: list[SoundBearing], segmentation: Segmentation) -> Segmentation:
    """Return what is chosen in the last of several seconds with the same objects."""
    before = HeardBefore()
    for number, sound in enumerate(found):
        second = replace(segmentation, window_start_ns=number * NANOSECONDS_PER_SECOND)
        chosen = choose_object(second, sound, VIEW, before)
    return chosen


def seen_at(
    bearings: Sequence[float] | np.ndarray, elevations: np.ndarray, distances: np.ndarray
) -> tuple[Segmentation, list[int]]:
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
        objects.append(
            SoundingObject("person", 0.9, box, (column - 0.5, row - 0.5), box[2] * box[3], id=len(objects) + 1)
        )
        numbers[rows, columns] = np.where(numbers[rows, columns] == 0, len(objects), numbers[rows, columns])
    mask, label = numbers > 0, UnifiedLabel("Speech", "person", 0.9, 0.9, 0.9, 0.9)
    confidence = mask.astype(np.uint8) * np.uint8(255)
    segmentation = Segmentation(
        0, 1, "", mask, confidence, label, Presence(True, 0.9, -20.0), tuple(objects), object_numbers=numbers
    )
    return segmentation, [order.index(index) for index in range(len(bearings))]


def heard_in_room(
    array: MicrophoneArray, reverberation_s: float, sound: np.ndarray, source: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return what the array hears in a random room of a source (3,) in the camera's optical frame, without noise: float64 (n, m)."""
    for room, yaw, camera in _places(reverberation_s, rng):
        place = camera + _level(source, yaw)
        if (place > WALL_M).all() and (place < room.size - WALL_M).all():
            heard = room.record(sound, RATE, place, camera + _level(array.positions, yaw))
            return heard * LEVEL / max(float(np.sqrt(np.square(heard).mean())), 1e-9)
    raise AssertionError("_places does not end")


def _places(reverberation_s: float, rng: np.random.Generator) -> Iterator[tuple[Room, float, np.ndarray]]:
    """Yield rooms, each with a direction and a place of the camera in it."""
    while True:
        size = rng.uniform([3.5, 3.5, 2.4], [9.0, 7.0, 3.5])
        yield (
            Room(size, reverberation_s),
            rng.uniform(-np.pi, np.pi),
            rng.uniform([0.5, 0.5, 0.6], [*(size[:2] - 0.5), 1.4]),
        )


def _level(points: np.ndarray, yaw: float) -> np.ndarray:
    """Turn points (..., 3) of the optical frame into a room's (x, y level, z up), for a camera that looks along `yaw`."""
    x, y, z = np.moveaxis(points, -1, 0)
    return np.stack([np.cos(yaw) * z + np.sin(yaw) * x, np.sin(yaw) * z - np.cos(yaw) * x, -y], axis=-1)
