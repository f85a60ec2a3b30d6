"""Recordings of a microphone array in a simulated room: the image source method (Allen et al., 1979) in a box with equal walls.

What a real room has beside that is missing: furniture, walls that absorb some frequencies more, air, sources and microphones that
prefer directions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import fftconvolve, upfirdn

from c3n_model.direction.steering import SPEED_OF_SOUND

_FINER = 8  # times the sample rate at which echoes are placed
_HALF_TAPS = 40  # samples, of the windowed sinc that brings them to the sample rate
_HEARD_DB = 45.0  # later echoes, which are weaker than the sound decays to by then, are left out


@dataclass(frozen=True)
class Room:
    """A box of `size` (3,) metres, whose sound decays by 60 dB in `reverberation_s`; 0: no echo at all."""

    size: np.ndarray
    reverberation_s: float

    @property
    def reflection(self) -> float:
        """The factor on the amplitude at each wall, by Eyring's formula (Sabine's gives walls of small rooms that absorb more than all)."""
        if self.reverberation_s == 0:
            return 0.0
        x, y, z = self.size
        return float(np.exp(-0.161 * x * y * z / (2 * (x * y + y * z + z * x) * self.reverberation_s) / 2))

    def record(self, sound: np.ndarray, rate: int, source: np.ndarray, microphones: np.ndarray) -> np.ndarray:
        """Return what microphones at (m, 3) metres hear of `sound` float (n,) from `source` (3,): float64 (n, m)."""
        responses = [self.response(rate, source, microphone) for microphone in microphones]
        return np.stack([fftconvolve(sound, response)[: len(sound)] for response in responses], axis=1)

    def response(self, rate: int, source: np.ndarray, microphone: np.ndarray) -> np.ndarray:
        """Return the impulse response float64 (n,) from the source (3,) to a microphone (3,): 1 at a metre without echo."""
        distances, amplitudes = self._echoes(source, microphone)
        arrivals = distances / SPEED_OF_SOUND * rate * _FINER
        before = np.floor(arrivals).astype(int)
        after_share = arrivals - before
        length = int(before.max()) + 2
        fine = np.bincount(before, amplitudes * (1 - after_share), length)
        fine += np.bincount(before + 1, amplitudes * after_share, length)
        late = np.arange(-_HALF_TAPS * _FINER, _HALF_TAPS * _FINER + 1) / _FINER
        taps = np.sinc(late) * (0.5 + 0.5 * np.cos(np.pi * late / _HALF_TAPS))
        return upfirdn(taps, fine, 1, _FINER)[_HALF_TAPS:]

    def _echoes(self, source: np.ndarray, microphone: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the distances (n,) of the source and its mirror images from the microphone, and their amplitudes there (n,)."""
        straight = float(np.linalg.norm(source - microphone))
        reach = straight if self.reflection == 0 else self.reverberation_s * _HEARD_DB / 60 * SPEED_OF_SOUND + straight
        squares, counts = np.zeros((1, 1, 1)), np.zeros((1, 1, 1), int)
        for axis, length in enumerate(self.size):
            most = 0 if self.reflection == 0 else int(np.ceil(reach / length)) + 1
            numbers = np.arange(-most, most + 1)
            # Image n along an axis lies in the n-th copy of the room, mirrored if n is odd.
            places = numbers * length + np.where(numbers % 2 == 0, source[axis], length - source[axis])
            shape = [-1 if other == axis else 1 for other in range(3)]
            squares = squares + np.square(places - microphone[axis]).reshape(shape)
            counts = counts + np.abs(numbers).reshape(shape)
        heard = squares <= reach**2 * (1 + 1e-9)
        distances = np.sqrt(squares[heard])
        return distances, self.reflection ** counts[heard] / distances
