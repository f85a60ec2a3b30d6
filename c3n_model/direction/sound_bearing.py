"""The bearing of the loudest sound of a second.

The response of an array to a direction is the steered response of whitened spectra (`steering`), of unit length like those of the phase
transform (SRP-PHAT; DiBiase, Silverman and Brandstein, 2001). Each frequency at each moment counts as much as it probably is sound that came
straight from its source (`direct_sound`). That makes the response a log-likelihood of directions.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from c3n_model.direction.direct_sound import agreement_of, direct_sound, features
from c3n_model.direction.microphone_array import MicrophoneArray
from c3n_model.direction.steering import BEARINGS, STEP_DEG, steering_of
from c3n_model.types import SoundBearing

FRAME_S = 0.032
BAND_HZ = (300.0, 7700.0)  # lower ones are the robot's motors and rooms, higher ones no microphone's best
LOBE = np.deg2rad(
    45.0
)  # farthest from the bearing that counts as its error; a bearing from anywhere in it has a spread of 26 degrees
SILENCE = 1e-6  # mean square; -60 dBFS


@dataclass(frozen=True)
class MeasuredBearing(SoundBearing):
    """A bearing with the `likelihood` of all others, float64 (n,): logarithms, for bearings from -pi on, the largest is 0."""

    likelihood: np.ndarray | None = field(default=None, compare=False, repr=False)


def as_published(sound: SoundBearing, decision: str = "") -> SoundBearing:
    """Return a bearing as results and messages have it, with the decision that followed."""
    return SoundBearing(sound.bearing, sound.mirrored, sound.confidence, sound.spread, decision)


def measure_bearing(microphones: np.ndarray, array: MicrophoneArray) -> SoundBearing:
    """Return the bearing of the loudest sound in a second of an array's sound, float (rate, m); unknown in silence.

    `confidence` is how far the response stands out, as a fraction of what a single sound without noise or echo has; `spread` is the
    standard deviation of its error, by `likelihood` near it. Raises ValueError if the sound does not have as many channels as the array has
    microphones.
    """
    rate, count = microphones.shape
    if count != len(array.channels):
        raise ValueError(f"expected sound of {len(array.channels)} microphones, got {count} channels")
    if float(np.square(microphones, dtype=np.float64).mean()) < SILENCE:
        return SoundBearing()
    spectra, hertz, step_s = spectra_of(microphones, rate)
    steering = steering_of(array, hertz)
    unit, power = steering.whitened(spectra), np.square(np.abs(spectra)).mean(axis=-1)
    weights = direct_sound(features(power, agreement_of(unit, steering.coarse, power), step_s))
    response = steering.response(unit, weights).max(axis=0)
    confidence = _confidence(response / max(float(weights.sum()), 1e-30))
    likelihood = (count - 1) * (response - response.max())
    bearing, line = _peak(response), array.line_bearing
    spread = _spread(likelihood, bearing, line)
    mirrored = None if line is None else wrapped(2 * line - bearing)
    if mirrored is not None and abs(mirrored) < abs(bearing):
        bearing, mirrored = mirrored, bearing
    return MeasuredBearing(bearing, mirrored, confidence, spread, likelihood=likelihood)


def wrapped(angle: float) -> float:
    """Return an angle in radians within (-pi, pi]."""
    return float(np.pi - (np.pi - angle) % (2 * np.pi))


def spectra_of(sound: np.ndarray, rate: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the spectra complex64 (f, t, m) of a sound, their frequencies float64 (f,) in Hz, and the seconds between two of them."""
    length = round(FRAME_S * rate)
    sound = np.pad(sound, ((0, max(0, length - len(sound))), (0, 0))).astype(np.float32)
    hertz = np.fft.rfftfreq(length, 1 / rate)
    used = (hertz >= BAND_HZ[0]) & (hertz <= min(BAND_HZ[1], 0.48 * rate))
    frames = np.lib.stride_tricks.sliding_window_view(sound, length, axis=0)[:: length // 2]  # t, m, length
    spectra = np.fft.rfft(frames * np.hanning(length).astype(np.float32), axis=-1)[..., used]
    return np.ascontiguousarray(spectra.transpose(2, 0, 1).astype(np.complex64)), hertz[used], length // 2 / rate


def _confidence(response: np.ndarray) -> float:
    """Return how far the maximum of a response, in [0, 1], stands out."""
    strongest, typical = float(response.max()), float(response.mean())
    return float(np.clip((strongest - typical) / max(1 - typical, 1e-6), 0.0, 1.0))


def _peak(response: np.ndarray) -> float:
    """Return the bearing of the maximum of a response (bearings,), between two bearings of the grid by a parabola."""
    column = int(response.argmax())
    before, here, after = (float(response[(column + step) % len(response)]) for step in (-1, 0, 1))
    curvature = before - 2 * here + after
    shift = 0.5 * (before - after) / curvature if curvature < 0 else 0.0
    return wrapped(float(BEARINGS[column] + shift * np.deg2rad(STEP_DEG)))


def _spread(likelihood: np.ndarray, bearing: float, line: float | None = None) -> float:
    """Return the standard deviation of a bearing, radians, by the log-likelihoods (bearings,) within LOBE of it, on its side of a `line`."""
    offsets = np.pi - (np.pi - (BEARINGS - bearing)) % (2 * np.pi)
    shares = np.exp(likelihood) * (np.abs(offsets) <= LOBE)
    if line is not None:
        shares = shares * (np.sin(BEARINGS - line) * np.sin(bearing - line) >= 0)
    return float(np.sqrt((shares * np.square(offsets)).sum() / shares.sum()))
