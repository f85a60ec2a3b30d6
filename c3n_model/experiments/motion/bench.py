"""How often the right one of several objects is chosen by motion alone, from images and sound to the decision.

The objects are given: what is measured is the comparison of their motion with the sound, over SECONDS.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from c3n_model.experiments.motion import scenes
from c3n_model.experiments.motion.scenes import BORDER, HEIGHT, IMAGES_PER_S, WIDTH, Thing
from c3n_model.experiments.motion.sounds import RATE, SECONDS, level_of, synthetic_level, synthetic_sound
from c3n_model.motion.motion_memory import MotionMemory
from c3n_model.types import (
    FRAME_OFFSET_NS,
    NANOSECONDS_PER_SECOND,
    Frame,
    Presence,
    Segmentation,
    SoundingObject,
    UnifiedLabel,
    Window,
)

NOISE = 1.0  # standard deviation of the camera's noise, of 255


@dataclass(frozen=True)
class Conditions:
    """What a row of the table measures: number of things, the camera's motion ("still", "pans", "shakes"), dB of the sound over
    white noise (None: none), and whether one thing moves in time with the sound."""

    name: str
    things: int = 2
    camera: str = "still"
    snr_db: float | None = None
    follows: bool = True


CONDITIONS = (
    Conditions("one of two"),
    Conditions("one of three", things=3),
    Conditions("one of two, the camera pans", camera="pans"),
    Conditions("one of two, the camera shakes", camera="shakes"),
    Conditions("one of two, noise as loud as the sound", snr_db=0.0),
    Conditions("none of two", follows=False),
)


@dataclass(frozen=True)
class Material:
    """What scenes are made of: pairs of a cut-out (gray and alpha float32 (h, w)) and its sound float32 (SECONDS * RATE,); none:
    drawn discs and synthetic sounds."""

    cutouts: Sequence[tuple[np.ndarray, np.ndarray]] = ()
    sounds: Sequence[np.ndarray] = ()


def measure(conditions: Conditions, count: int, material: Material, seed: int) -> Counter:
    """Count "right", "undecided" and "wrong" decisions in `count` scenes."""
    outcomes: Counter = Counter(right=0, undecided=0, wrong=0)
    for number in range(count):
        outcomes[_decide(conditions, material, number, np.random.default_rng([seed, number]))] += 1
    return outcomes


def interval(successes: int, count: int) -> str:
    """Return a fraction with its 95 % interval (Wilson, 1927) as text; a dash for none of none."""
    if count == 0:
        return "–"
    bounds = binomtest(successes, count).proportion_ci(method="wilson")
    return f"{successes / count:.2f} ({bounds.low:.2f} to {bounds.high:.2f})"


def outcome_of(result: Segmentation, right: int | None) -> str:
    """Return "right", "undecided" or "wrong" for a result; `right`: the id of the object that sounds, None for none of them."""
    if result.motion_decision != "chosen":
        return "undecided"
    return "right" if [found.id for found in result.objects] == [right] else "wrong"


def seen(numbers: np.ndarray, start_ns: int) -> Segmentation:
    """Return a segmentation of objects of one class from `numbers` uint16 (H, W), 1 + index; the ids are 1 + index, too."""
    mask = numbers > 0
    objects = []
    for number in range(1, int(numbers.max()) + 1):
        rows, columns = np.nonzero(numbers == number)
        x, y = int(columns.min()), int(rows.min())
        box = (x, y, int(columns.max()) - x + 1, int(rows.max()) - y + 1)
        centroid = (float(columns.mean()), float(rows.mean()))
        objects.append(SoundingObject("person", 0.9, box, centroid, len(rows), id=number))
    label, presence = UnifiedLabel("Speech", "person", 0.9, 0.9, 0.9, 0.9), Presence(True, 0.9, -20.0)
    confidence = mask.astype(np.uint8) * np.uint8(255)
    stamp_ns = start_ns + FRAME_OFFSET_NS
    return Segmentation(start_ns, stamp_ns, "", mask, confidence, label, presence, tuple(objects), 1.0, numbers)


def decided(frames: Iterator[Frame], numbers: Sequence[np.ndarray], sound: np.ndarray, rate: int) -> Segmentation:
    """Return the result of the last second: `numbers` of each second, as in `seen`; sound float (n,) at `rate`."""
    memory, result = MotionMemory(), None
    waiting = list(frames)
    for second, numbered in enumerate(numbers):
        start_ns = second * NANOSECONDS_PER_SECOND
        due = [frame for frame in waiting if frame.stamp_ns <= start_ns + FRAME_OFFSET_NS]
        waiting = waiting[len(due) :]
        for frame in due:
            memory.see(frame)
        snippet = sound[second * rate : (second + 1) * rate].astype(np.float32)
        result = memory.choose(seen(numbered, start_ns), Window(start_ns, due[-1], snippet))
    assert result is not None
    return result


def _decide(conditions: Conditions, material: Material, number: int, random: np.random.Generator) -> str:
    level, sound, others = _heard(conditions, material, number, random)
    background = scenes.texture(HEIGHT + 2 * BORDER, WIDTH + 2 * BORDER, 8, random)
    right = int(random.integers(conditions.things)) if conditions.follows else None
    look = material.cutouts[number % len(material.cutouts)] if material.cutouts else None
    things = []
    for index in range(conditions.things):
        gray, alpha = look or scenes.disc(random)
        centre = (
            WIDTH * (index + 1) / (conditions.things + 1) + random.uniform(-3, 3),
            HEIGHT * random.uniform(0.35, 0.65),
        )
        other = others[index % len(others)]
        motion = scenes.coupled(level, random) if index == right else scenes.uncoupled(other, random)
        things.append(Thing(gray, alpha, centre, motion))
    camera = scenes.camera_path(conditions.camera, random)
    frames = _frames(background, things, camera, random)
    result = decided(frames, [_numbers(things, camera, second) for second in range(SECONDS)], sound, RATE)
    return outcome_of(result, None if right is None else right + 1)


def _heard(
    conditions: Conditions, material: Material, number: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Return the level of the sound, the sound with noise, and the levels of other sounds, which are not heard."""
    if material.sounds:
        sound = material.sounds[number % len(material.sounds)]
        apart = 1 + random.permutation(len(material.sounds) - 1)[: conditions.things]
        level, others = level_of(sound), [level_of(material.sounds[(number + n) % len(material.sounds)]) for n in apart]
    else:
        level = synthetic_level(random)
        sound = synthetic_sound(level, random)
        others = [synthetic_level(random) for _ in range(conditions.things)]
    if conditions.snr_db is not None:
        loud = float(np.sqrt(np.square(sound).mean()))
        sound = sound + random.normal(size=len(sound)) * loud * 10 ** (-conditions.snr_db / 20)
    return level, sound, others


def _frames(
    background: np.ndarray, things: list[Thing], camera: np.ndarray, random: np.random.Generator
) -> Iterator[Frame]:
    wanted = MotionMemory()  # only the images that it asks for are drawn
    for number in range(SECONDS * IMAGES_PER_S):
        stamp_ns = number * NANOSECONDS_PER_SECOND // IMAGES_PER_S
        if wanted.wants(stamp_ns):
            picture = scenes.draw(background, things, number, camera)
            picture = np.clip(picture + random.normal(scale=NOISE, size=picture.shape), 0, 255).astype(np.uint8)
            frame = Frame(np.repeat(picture[..., None], 3, axis=2), stamp_ns)
            wanted.add(frame)
            yield frame


def _numbers(things: list[Thing], camera: np.ndarray, second: int) -> np.ndarray:
    """Return which thing each pixel shows in the frame of a second, uint16 (HEIGHT, WIDTH)."""
    numbers = np.zeros((HEIGHT, WIDTH), np.uint16)
    image = int((second + 15 / 16) * IMAGES_PER_S)
    for index, thing in enumerate(things, start=1):
        numbers[thing.alpha_in(image, camera) > 0.5] = index
    return numbers
