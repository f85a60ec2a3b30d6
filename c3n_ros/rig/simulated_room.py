"""A room around a robot, from the synthetic world: several objects, one of which sounds at a time. Seeded.

The room is painted on a cylinder around the robot; the camera's view is a pinhole image of a part of it. Objects have the same
size as in `c3n_model.synthetic.scenes`, in units of the view. Headings are radians, positive to the left, 0 at the middle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from c3n_model.synthetic import world
from c3n_model.synthetic.scenes import Scene
from c3n_ros.geometry.camera import Camera

HEIGHT, WIDTH, FIELD_OF_VIEW = 240, 320, math.radians(70)
FOCAL_LENGTH = WIDTH / 2 / math.tan(FIELD_OF_VIEW / 2)
_CYLINDER_WIDTH = 3 * WIDTH  # a backdrop at the demo's scale and its mirror image: 240 degrees without a seam
REACH = math.radians(60)  # objects lie within it, to both sides: a robot that faces one sees only the room
QUIET_S, PHASE_S, PHASES = 1, 6, 2
_MIN_OBJECTS, _MAX_OBJECTS = 3, 4


@dataclass(frozen=True)
class Thing:
    """An object of the room: its class, and the heading of the centre of its visible pixels."""

    label: int
    heading: float


@dataclass(frozen=True)
class Room:
    """`panorama` uint8 (H, 3 W, 3); `sounding[k]` is the index into `things` of the source in second k, None for silence;
    `sound` float32 (seconds * 16 kHz,)."""

    panorama: np.ndarray
    things: tuple[Thing, ...]
    sounding: tuple[int | None, ...]
    sound: np.ndarray

    @property
    def seconds(self) -> int:
        return len(self.sounding)

    @property
    def changes(self) -> tuple[int, ...]:
        """The seconds at which another object begins to sound."""
        return tuple(range(QUIET_S, self.seconds, PHASE_S))

    def source(self, time_s: float) -> Thing | None:
        """Return the source at a time, or None in silence."""
        index = self.sounding[min(int(time_s), self.seconds - 1)]
        return None if index is None else self.things[index]

    def view(self, heading: float) -> np.ndarray:
        """Return the camera's image, uint8 (HEIGHT, WIDTH, 3)."""
        x, y = np.meshgrid(
            (np.arange(WIDTH) - (WIDTH - 1) / 2) / FOCAL_LENGTH, (np.arange(HEIGHT) - (HEIGHT - 1) / 2) / FOCAL_LENGTH
        )
        column = column_of(heading) + FOCAL_LENGTH * np.arctan(x)
        row = (HEIGHT - 1) / 2 + FOCAL_LENGTH * y / np.hypot(1, x)
        return cv2.remap(
            self.panorama,
            column.astype(np.float32),
            row.astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        )


def column_of(heading: float) -> float:
    """Return the column of a heading on the panorama, pixels."""
    return (_CYLINDER_WIDTH - 1) / 2 - FOCAL_LENGTH * heading


def camera() -> Camera:
    """Return the camera of the room's views."""
    matrix = [[FOCAL_LENGTH, 0, (WIDTH - 1) / 2], [0, FOCAL_LENGTH, (HEIGHT - 1) / 2], [0, 0, 1]]
    return Camera(WIDTH, HEIGHT, np.array(matrix), np.zeros(0), fisheye=False, rotation=np.eye(3))


def make_room(seed: int) -> Room:
    """Make the room of `seed`: three or four objects of different classes, often with a look-alike; two of them sound in turn."""
    random = np.random.default_rng([seed, 17])
    half = world.backdrop(random, HEIGHT, _CYLINDER_WIDTH // 2)
    panorama = np.concatenate([half, half[:, ::-1]], axis=1)
    things = _furnish(panorama, random)
    order = random.permutation(len(things))[:PHASES]
    sounding = (None,) * QUIET_S + tuple(int(index) for index in np.repeat(order, PHASE_S))
    plan = tuple(frozenset() if index is None else frozenset([things[index].label]) for index in sounding)
    return Room(panorama, things, sounding, Scene((seed, 17), (), plan, camera=(0.0, 0.0)).sound())


def _furnish(panorama: np.ndarray, random: np.random.Generator) -> tuple[Thing, ...]:
    """Paint objects with little overlap into `panorama`, in place."""
    placed: list[tuple[float, float]] = []  # heading, half width
    labels, owner = _labels(random), np.full(panorama.shape[:2], -1)
    while len(placed) < _MIN_OBJECTS:  # start over if the first ones leave no space for a third
        placed, looks = [], []
        for label in labels:
            for _ in range(60):
                radius, aspect = random.uniform(0.16, 0.27), random.uniform(0.75, 1.2)
                half_width = radius * aspect * WIDTH / FOCAL_LENGTH
                heading = random.uniform(-REACH, REACH)
                if all(abs(heading - other) > 0.95 * (half_width + width) for other, width in placed):
                    placed.append((heading, half_width))
                    looks.append((label, radius, random.uniform(radius, 1 - radius), random.uniform(-0.35, 0.35)))
                    break
    for index, ((heading, half_width), (label, radius, height, tilt)) in enumerate(zip(placed, looks)):
        centre, size = (column_of(heading), height * HEIGHT), (half_width * FOCAL_LENGTH, radius * HEIGHT)
        owner[world.paint(panorama, world.random_look(label, random), centre, size, tilt)] = index
    middle = (_CYLINDER_WIDTH - 1) / 2
    return tuple(
        Thing(label, (middle - np.nonzero(owner == index)[1].mean()) / FOCAL_LENGTH)
        for index, (label, *_) in enumerate(looks)
    )


def _labels(random: np.random.Generator) -> list[int]:
    """Return different classes; in two of three rooms one of them has its look-alike."""
    labels = [int(label) for label in random.permutation(len(world.VISUAL_LABELS))]
    if random.random() < 0.65:
        labels = list(dict.fromkeys([labels[0], labels[0] ^ 1, *labels]))
    return labels[:_MAX_OBJECTS]
