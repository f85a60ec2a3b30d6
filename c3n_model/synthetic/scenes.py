"""Scenes of the synthetic world. Equal seeds give equal scenes.

A scene is a list of objects on a wide background, seen by a moving camera, and a schedule of the sounds in each second. The
two settings are AVSBench's: **S4** with one sounding class throughout, **MS3** with sounds that start, stop, overlap, pause,
or come from objects out of view. Sounds start and stop on whole seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np

from c3n_model.synthetic import world

Setting = Literal["s4", "ms3"]
SPLITS = ("train", "val", "test")
CLIP_SECONDS = 5


@dataclass(frozen=True)
class Actor:
    """One object of a scene.

    `place`, `drift` and `radius` are in units of the image size, so that images of any aspect ratio are equal after resizing
    to a square; `tilt` and `sway` are in radians.
    """

    look: world.Look
    place: tuple[float, float]
    drift: tuple[float, float]
    radius: float
    aspect: float
    tilt: float
    sway: float

    @property
    def label(self) -> int:
        return self.look.label


@dataclass(frozen=True)
class Scene:
    """A scene: `sounding[k]` are the labels that sound in second k, in view or not.

    `camera` is the pan over the whole scene in image widths and heights; `seed` determines the backdrop and the sounds.
    """

    seed: tuple[int, ...]
    actors: tuple[Actor, ...]
    sounding: tuple[frozenset[int], ...]
    camera: tuple[float, float]
    _backdrops: dict = field(default_factory=dict, compare=False, repr=False)

    @property
    def seconds(self) -> int:
        return len(self.sounding)

    def picture(self, time: float, height: int = 224, width: int = 224) -> tuple[np.ndarray, np.ndarray]:
        """Render the view at `time` [s]: RGB uint8 (H, W, 3), and the mask of the sounding objects, bool (H, W)."""
        rgb = self._view(time, height, width)
        progress = time / self.seconds - 0.5
        owner = np.full((height, width), -1)
        for index, actor in enumerate(self.actors):
            x = actor.place[0] + (actor.drift[0] - self.camera[0]) * progress
            y = actor.place[1] + (actor.drift[1] - self.camera[1]) * progress
            angle = actor.tilt + actor.sway * np.sin(2 * np.pi * time / 3)
            owner[_paint(rgb, actor, (x, y), angle)] = index
        now = self.sounding[min(int(time), self.seconds - 1)]
        audible = [index for index, actor in enumerate(self.actors) if actor.label in now]
        return rgb, np.isin(owner, audible)

    def sound(self) -> np.ndarray:
        """Render the sound track: float32 (seconds * 16 kHz,), mono."""
        random = np.random.default_rng([*self.seed, 1])
        track = world.room_noise(self.seconds, random)
        for label in sorted(frozenset().union(*self.sounding)):
            voice = world.make_sound(label, self.seconds, random)
            active = np.repeat([label in now for now in self.sounding], world.SAMPLE_RATE)
            track = track + voice * _smooth(active)
        return np.clip(track, -1, 1).astype(np.float32)

    def _view(self, time: float, height: int, width: int) -> np.ndarray:
        """Crop the backdrop, which is 1.5 times the image size, to what the panning camera sees."""
        if (height, width) not in self._backdrops:
            random = np.random.default_rng([*self.seed, 2])
            self._backdrops[height, width] = world.backdrop(random, round(height * 1.5), round(width * 1.5))
        progress = time / self.seconds - 0.5
        shift = [-(0.25 + self.camera[axis] * progress) * size for axis, size in enumerate((width, height))]
        move = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
        return cv2.warpAffine(self._backdrops[height, width], move, (width, height), borderMode=cv2.BORDER_REFLECT)


def make_scene(setting: Setting, seed: int, split: str, index: int) -> Scene:
    """Make scene `index` of a split. Different splits use different seeds."""
    key = (seed, ("s4", "ms3").index(setting), SPLITS.index(split), index)
    random = np.random.default_rng([*key, 0])
    main = int(random.integers(len(world.VISUAL_LABELS)))
    labels = [main] * int(random.choice([1, 2], p=[0.7, 0.3]))
    if random.random() < 0.65:
        labels.append(main ^ 1)  # the other variety of its kind, which looks similar
    while len(labels) < (3 if setting == "ms3" else 2) or (len(labels) < 4 and random.random() < 0.35):
        labels.append(int(random.integers(len(world.VISUAL_LABELS))))
    plan = (frozenset([main]),) * CLIP_SECONDS if setting == "s4" else _plan(sorted(set(labels)), random)
    return Scene(key, _stage(labels, random), plan, camera=tuple(random.uniform(-0.12, 0.12, 2)))


def make_demo_scene(seed: int = 15) -> Scene:
    """Make a scene of 20 s: two similar bells in turn, silence, a drum, a sound out of view, two sounds at once, a horn."""
    random = np.random.default_rng([seed, 9, 0])
    bell, other_bell, drum, horn = 0, 1, 3, 6
    plan = (
        [{bell}] * 4 + [{other_bell}] * 3 + [set()] * 3 + [{drum}] * 4 + [{4}] * 2 + [{bell, drum}] * 2 + [{horn}] * 2
    )
    actors = _stage([bell, other_bell, drum, horn], random)
    return Scene((seed, 9), actors, tuple(frozenset(now) for now in plan), camera=(0.1, 0.04))


def labelled_picture(label: int, random: np.random.Generator, size: int, *, alone: bool = False) -> np.ndarray:
    """Draw an image of an object of class `label`, for pretraining the visual classifier: uint8 (size, size, 3).

    Half of the images also show other objects, unless `alone`. ImageNet's images do so too, and a classifier trained on them
    spreads its confidence over all objects in view.
    """
    rgb = world.backdrop(random, size, size)
    if alone or random.random() < 0.5:
        half = random.uniform(0.16, 0.42) * size
        centre = random.uniform(0.2, 0.8, 2) * size
        look = world.random_look(label, random)
        world.paint(rgb, look, tuple(centre), (half * random.uniform(0.7, 1.3), half), random.uniform(-0.5, 0.5))
        return rgb
    others = [other for other in range(len(world.VISUAL_LABELS)) if other != label]
    actors = _stage([label, *random.choice(others, size=random.integers(1, 4), replace=False)], random)
    for index in random.permutation(len(actors)):
        _paint(rgb, actors[index], actors[index].place, actors[index].tilt)
    return rgb


def _paint(rgb: np.ndarray, actor: Actor, place: tuple[float, float], angle: float) -> np.ndarray:
    """Paint an actor into `rgb`, in place, at `place` in units of the image size; return its mask, bool (H, W)."""
    height, width = rgb.shape[:2]
    size = (actor.radius * actor.aspect * width, actor.radius * height)
    return world.paint(rgb, actor.look, (place[0] * width, place[1] * height), size, angle)


def _plan(visible: list[int], random: np.random.Generator) -> tuple[frozenset[int], ...]:
    """Draw the sounding labels of each second for MS3; they change after one to three seconds."""
    plan: list[frozenset[int]] = []
    while len(plan) < CLIP_SECONDS:
        fate = random.random()
        if fate < 0.12:
            now = frozenset()
        elif fate < 0.24:
            now = frozenset([int(random.choice([k for k in range(len(world.SOUNDS)) if k not in visible]))])
        else:
            count = 2 if fate > 0.8 and len(visible) > 1 else 1
            now = frozenset(int(label) for label in random.choice(visible, size=count, replace=False))
        plan += [now] * int(random.integers(1, 4))
    return tuple(plan[:CLIP_SECONDS])


def _stage(labels: list[int], random: np.random.Generator) -> tuple[Actor, ...]:
    """Place objects with little overlap; objects for which there is no space are left out (never the first)."""
    actors: list[Actor] = []
    for label in labels:
        for _ in range(40):
            radius = random.uniform(0.16, 0.27)
            place = tuple(random.uniform(radius, 1 - radius, 2))
            if all(np.hypot(place[0] - a.place[0], place[1] - a.place[1]) > 0.95 * (radius + a.radius) for a in actors):
                break
        else:
            continue
        drift = tuple(random.uniform(-0.1, 0.1, 2))
        shape = dict(aspect=random.uniform(0.75, 1.2), tilt=random.uniform(-0.35, 0.35), sway=random.uniform(0, 0.2))
        actors.append(Actor(world.random_look(label, random), place, drift, radius, **shape))
    return tuple(actors)


def _smooth(active: np.ndarray) -> np.ndarray:
    """Smooth a gate of 0 and 1 with 10 ms ramps, to avoid clicks."""
    ramp = world.SAMPLE_RATE // 100
    return np.convolve(active.astype(np.float32), np.ones(ramp, np.float32) / ramp, mode="same")
