"""Recordings of a microphone array in a simulated room: the image source method (Allen et al., 1979) in a box with equal walls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import fftconvolve

from c3n_model.direction.sound_bearing import SPEED_OF_SOUND

_HALF_TAPS = 40  # of the windowed sinc that places an echo between two samples
_MOST_REFLECTIONS = 12


@dataclass(frozen=True)
class Room:
    """A box of `size` (3,) metres, whose sound decays by 60 dB in `reverberation_s`; 0: no echo at all."""

    size: np.ndarray
    reverberation_s: float

    @property
    def reflection(self) -> float:
        """The factor on the amplitude at each wall, by Sabine's formula. Raises ValueError for a time that no walls can give."""
        if self.reverberation_s == 0:
            return 0.0
        x, y, z = self.size
        absorption = 0.161 * x * y * z / (2 * (x * y + y * z + z * x) * self.reverberation_s)
        if not 0 < absorption <= 1:
            raise ValueError(
                f"a room of {self.size.tolist()} m cannot have a reverberation time of {self.reverberation_s} s"
            )
        return float(np.sqrt(1 - absorption))

    def record(self, sound: np.ndarray, rate: int, source: np.ndarray, microphones: np.ndarray) -> np.ndarray:
        """Return what microphones at (m, 3) metres hear of `sound` float (n,) from `source` (3,): float64 (n, m)."""
        responses = self._responses(rate, source, microphones)
        return np.stack([fftconvolve(sound, response)[: len(sound)] for response in responses], axis=1)

    def _responses(self, rate: int, source: np.ndarray, microphones: np.ndarray) -> np.ndarray:
        """Return the impulse responses (m, n) from the source to each microphone."""
        images, amplitudes = self._images(source)
        distances = np.linalg.norm(images[None] - microphones[:, None], axis=2)  # m, images
        arrivals = distances / SPEED_OF_SOUND * rate
        whole = np.floor(arrivals).astype(int)
        offsets = np.arange(-_HALF_TAPS + 1, _HALF_TAPS + 1)
        late = offsets - (arrivals - whole)[..., None]
        taps = np.sinc(late) * (0.5 + 0.5 * np.cos(np.pi * late / _HALF_TAPS)) * (np.abs(late) < _HALF_TAPS)
        responses = np.zeros((len(microphones), whole.max() + 2 * _HALF_TAPS))
        for response, places, values in zip(
            responses, whole[..., None] + offsets, taps * (amplitudes / distances)[..., None], strict=True
        ):
            inside = places >= 0
            np.add.at(response, places[inside], values[inside])
        return responses

    def _images(self, source: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the source and its mirror images (n, 3), and the factors on their amplitudes (n,)."""
        if self.reflection == 0:
            return source[None], np.ones(1)
        # As many as are heard within the reverberation time.
        most = int(np.ceil(self.reverberation_s * SPEED_OF_SOUND / float(self.size.min())))
        walls = np.arange(-min(most, _MOST_REFLECTIONS), min(most, _MOST_REFLECTIONS) + 1)
        numbers = np.stack(np.meshgrid(walls, walls, walls, indexing="ij"), axis=-1).reshape(-1, 3)
        numbers = numbers[np.abs(numbers).sum(axis=1) <= walls[-1]]
        # Image n along an axis lies in the n-th copy of the room, mirrored if n is odd.
        places = numbers * self.size + np.where(numbers % 2 == 0, source, self.size - source)
        return places, self.reflection ** np.abs(numbers).sum(axis=1)
