"""How an array hears each direction: phases at each frequency, in a room's noise.

Echoes and noise come from all sides. What two microphones `d` metres apart hear of that has a coherence of sin(x) / x, x = 2 pi f d / c, so
at low frequencies it looks like sound from ahead of or above the array. Dividing by the square root of that matrix (whitening) makes it
independent, and leaves the array's direction-dependent differences as what counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from c3n_model.direction.microphone_array import MicrophoneArray

SPEED_OF_SOUND = 343.0  # m/s, at 20 degrees Celsius
OWN_NOISE = 0.1  # share of the noise that each microphone has for itself: differences are amplified by no more
STEP_DEG = 2
BEARINGS = np.deg2rad(np.arange(-180.0, 180.0, STEP_DEG))
ELEVATIONS_DEG = (-30.0, 0.0, 30.0)
_COARSE = 8  # steps between the directions at which the agreement of phases is looked for


@dataclass(frozen=True)
class Steering:
    """Directions of an array at frequencies `hertz` float64 (f,).

    `whitening` complex64 (f, m, m); `directions` complex64 (f, k, m): whitened unit vectors of k = elevations x BEARINGS, elevation by
    elevation; `elevations` (e,), radians; `coarse` complex64 (f, c, m): some of the level ones.
    """

    hertz: np.ndarray
    whitening: np.ndarray
    directions: np.ndarray
    elevations: np.ndarray
    coarse: np.ndarray

    def whitened(self, spectra: np.ndarray) -> np.ndarray:
        """Return whitened unit vectors complex64 (f, t, m) of spectra complex64 (f, t, m); 0 where there is no sound."""
        white = spectra @ self.whitening.transpose(0, 2, 1)
        return white / np.maximum(np.linalg.norm(white, axis=-1, keepdims=True), 1e-12)

    def response(self, unit: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return the response float64 (e, bearings) to `unit` (`whitened`), weighted by float (f, t), summed over both."""
        covariance = (unit * weights[..., None]).transpose(0, 2, 1) @ unit.conj()  # f, m, m
        matched = self.directions.conj() @ covariance  # f, k, m
        return np.einsum("fkm,fkm->k", matched, self.directions).real.astype(np.float64).reshape(-1, len(BEARINGS))


def steering_of(array: MicrophoneArray, hertz: np.ndarray) -> Steering:
    """Return the steering of an array at `hertz`; that of the last arrays is kept."""
    line = array.line_bearing is not None
    return _steering(array.positions.tobytes(), len(array.channels), hertz.tobytes(), line)


def rays_of(bearings: np.ndarray, elevations: np.ndarray) -> np.ndarray:
    """Return unit vectors (..., 3) in the optical frame, of bearings (positive left) and elevations (positive up), radians."""
    level = np.cos(elevations)
    return np.stack(
        np.broadcast_arrays(-np.sin(bearings) * level, -np.sin(elevations), np.cos(bearings) * level), axis=-1
    )


def unit_vectors(rays: np.ndarray, positions: np.ndarray, hertz: np.ndarray, whitening: np.ndarray) -> np.ndarray:
    """Return what microphones at (m, 3) hear from directions `rays` (k, 3), whitened, of length 1: complex64 (f, k, m)."""
    earlier_s = rays @ positions.T / SPEED_OF_SOUND
    heard = np.exp(2j * np.pi * hertz[:, None, None] * earlier_s).astype(np.complex64)
    white = heard @ whitening.transpose(0, 2, 1)
    return white / np.linalg.norm(white, axis=-1, keepdims=True)


def whitening_of(positions: np.ndarray, hertz: np.ndarray) -> np.ndarray:
    """Return the whitening complex64 (f, m, m) of noise from all sides and of the microphones (m, 3) themselves."""
    apart = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    coherence = np.sinc(2 * hertz[:, None, None] * apart / SPEED_OF_SOUND)
    noise = (1 - OWN_NOISE) * coherence + OWN_NOISE * np.eye(len(positions))
    return np.linalg.inv(np.linalg.cholesky(noise)).astype(np.complex64)


@lru_cache(maxsize=4)
def _steering(positions_bytes: bytes, count: int, hertz_bytes: bytes, line: bool) -> Steering:
    positions, hertz = np.frombuffer(positions_bytes).reshape(count, 3), np.frombuffer(hertz_bytes)
    elevations = np.deg2rad(ELEVATIONS_DEG)
    if line:  # what it hears as raised may as well be level at another bearing
        elevations = elevations[1:2]
    elif np.ptp(positions[:, 1]) < 1e-6:  # level microphones cannot tell up from down
        elevations = elevations[1:]
    whitening = whitening_of(positions, hertz)
    rays = rays_of(BEARINGS, elevations[:, None]).reshape(-1, 3)
    coarse = rays_of(BEARINGS[::_COARSE], np.zeros(1))
    return Steering(
        hertz,
        whitening,
        unit_vectors(rays, positions, hertz, whitening),
        elevations,
        unit_vectors(coarse, positions, hertz, whitening),
    )
