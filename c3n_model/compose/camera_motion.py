"""The movement of a hand-held or robot's camera over a still picture: pan, zoom and shake."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SHAKE = 0.004  # standard deviation of the view's position, as a fraction of the picture
ROLL = 0.012  # ... and of its rotation [rad]
ZOOM = (0.72, 0.97)  # side of the view as a fraction of the picture


@dataclass(frozen=True)
class Camera:
    """`side` and `centre` of the view at each of T seconds, as fractions of the picture, and its `roll` [rad]."""

    side: np.ndarray
    centre: np.ndarray
    roll: np.ndarray

    def view(self, second: int, canvas: int, size: int) -> np.ndarray:
        """Return the affine map (2, 3) from a canvas of `canvas` pixels to a frame of `size` pixels, square both."""
        scale = size / (self.side[second] * canvas)
        cos, sin = scale * np.cos(self.roll[second]), scale * np.sin(self.roll[second])
        linear = np.array([[cos, -sin], [sin, cos]])
        shift = np.array([size / 2, size / 2]) - linear @ (self.centre[second] * canvas)
        return np.column_stack([linear, shift])


def move_camera(seconds: int, random: np.random.Generator) -> Camera:
    """Draw a movement: the side of the view and its centre change steadily, and it shakes."""
    still = random.random() < 0.25
    progress = np.linspace(0, 1, seconds)
    first, last = random.uniform(*ZOOM, 2)
    side = np.full(seconds, first) if still else first + (last - first) * progress
    free = (1 - side) / 2
    begin, end = random.uniform(-1, 1, (2, 2))
    place = np.repeat(begin[None], seconds, 0) if still else begin + (end - begin) * 0.7 * progress[:, None]
    amount = 0.0 if random.random() < 0.3 else random.uniform(0.3, 1.0)
    shaken = random.normal(0, SHAKE * amount, (seconds, 2))
    centre = 0.5 + np.clip(place, -1, 1) * free[:, None] + shaken
    return Camera(side, centre, random.normal(0, ROLL * amount, seconds))
