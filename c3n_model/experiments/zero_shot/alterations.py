"""Degrade the images of scenes (low light, blur, JPEG compression, rotation), or make their sound quieter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from c3n_model.compose.noises import Heard
from c3n_model.experiments.zero_shot.scenes import Scene

Alteration = Callable[[np.ndarray, str], np.ndarray]
DARK_GAIN, DARK_NOISE = (
    0.15,
    4.0,
)  # remaining fraction of the light; standard deviation of the sensor noise in grey levels
BLUR = 0.005  # standard deviation of the Gaussian as a fraction of the image's longer side
JPEG_QUALITY = 10
QUIETER_DB = 30.0


@dataclass(frozen=True)
class Attenuated:
    """A sound QUIETER_DB quieter, as of a microphone whose gain is too low."""

    sound: Heard

    @property
    def name(self) -> str:
        return f"{self.sound.name}, {QUIETER_DB:.0f} dB quieter"

    def seconds(self, sample_rate: int) -> np.ndarray:
        """As `Heard.seconds`."""
        return (self.sound.seconds(sample_rate) * 10 ** (-QUIETER_DB / 20)).astype(np.float32)


def quieter(scenes: list[Scene]) -> list[Scene]:
    """Return the scenes with quieter sounds."""
    return [replace(scene, sound=Attenuated(scene.sound)) for scene in scenes]


def darken(rgb: np.ndarray, name: str) -> np.ndarray:
    """Return the image at DARK_GAIN of its light with sensor noise, seeded by the image's name."""
    random = np.random.default_rng([ord(letter) for letter in name])
    noise = random.normal(0, DARK_NOISE, rgb.shape)
    return np.clip(np.rint(DARK_GAIN * rgb + noise), 0, 255).astype(np.uint8)


def blur(rgb: np.ndarray, name: str) -> np.ndarray:
    """Return the image out of focus."""
    return cv2.GaussianBlur(rgb, (0, 0), BLUR * max(rgb.shape[:2]))


def compress(rgb: np.ndarray, name: str) -> np.ndarray:
    """Return the image after JPEG compression at JPEG_QUALITY."""
    _, data = cv2.imencode(".jpg", rgb[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])


def altered(scenes: list[Scene], alteration: Alteration) -> list[Scene]:
    """Return the scenes with altered images, altering each image once."""
    pictures: dict[str, np.ndarray] = {}
    for scene in scenes:
        if scene.group not in pictures:
            pictures[scene.group] = alteration(scene.rgb, scene.group)
    return [replace(scene, rgb=pictures[scene.group]) for scene in scenes]


def rotated(scenes: list[Scene]) -> list[Scene]:
    """Return the scenes rotated by 90 degrees counter-clockwise, as from a camera that is mounted on its side."""
    pictures = {scene.group: np.ascontiguousarray(np.rot90(scene.rgb)) for scene in scenes}
    return [
        replace(scene, rgb=pictures[scene.group], mask=np.ascontiguousarray(np.rot90(scene.mask))) for scene in scenes
    ]
