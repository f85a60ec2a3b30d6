"""The bearing of the loudest sound of a second, by SRP-PHAT (DiBiase, Silverman and Brandstein, 2001).

Of each pair of microphones only the phase difference is used (generalised cross-correlation with the phase transform, Knapp and
Carter, 1976). The response to a direction is the mean over all pairs of their correlation at the delay of that direction: 1 for a
single sound without noise or echo.

A room's echoes come from elsewhere, and after the sound. So what counts is what is louder than the moment before (an onset, the
precedence effect of hearing), and a moment counts the more the better its phases agree on one direction. Louder frequencies count a
little more only, because speech is loudest where small arrays hear least.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from c3n_model.direction.microphone_array import MicrophoneArray
from c3n_model.types import SoundBearing

SPEED_OF_SOUND = 343.0  # m/s, at 20 degrees Celsius
FRAME_S = 0.032
BAND_HZ = (300.0, 7700.0)  # lower ones are the robot's motors and rooms, higher ones no microphone's best
LOUDNESS = 0.25  # exponent on the power of a frequency at a moment
ECHO_S, ECHOES = 0.045, 2.0  # how fast what was heard before is forgotten, and how often it is counted as echo
AGREEMENT = 3.0  # exponent on how well the phases of a moment agree on one direction
QUIET_DB = 30.0  # frames that are quieter than the loudest one by more do not count
ELEVATIONS = np.deg2rad([-30.0, 0.0, 30.0])
BEARINGS = np.deg2rad(np.arange(-180.0, 180.0))
# Standard deviation of the bearing where half of the response is the sound's, see docs/direction.md.
ECHO_ERROR = np.deg2rad(1.5)
SILENCE = 1e-6  # mean square; -60 dBFS


@dataclass(frozen=True)
class _Correlation:
    """Correlations float64 (pairs, lags) of the pairs at `lags_s` float64 (lags,)."""

    values: np.ndarray
    lags_s: np.ndarray

    def response(self, rays: np.ndarray, baselines: np.ndarray) -> np.ndarray:
        """Return the response (...,) to directions (..., 3); `baselines` (pairs, 3), metres."""
        from scipy.interpolate import CubicSpline  # here and below: half a second that only arrays should cost

        delays = rays @ baselines.T / SPEED_OF_SOUND
        pairs = [CubicSpline(self.lags_s, row)(delays[..., pair]) for pair, row in enumerate(self.values)]
        return np.mean(pairs, axis=0)


def measure_bearing(microphones: np.ndarray, array: MicrophoneArray) -> SoundBearing:
    """Return the bearing of the loudest sound in a second of an array's sound, float (rate, m); unknown in silence.

    `confidence` is how far the response stands out, as a fraction of what a single sound without noise or echo has. Raises
    ValueError if the sound does not have as many channels as the array has microphones.
    """
    rate, count = microphones.shape
    if count != len(array.channels):
        raise ValueError(f"expected sound of {len(array.channels)} microphones, got {count} channels")
    if float(np.square(microphones, dtype=np.float64).mean()) < SILENCE:
        return SoundBearing()
    pairs = np.array(list(combinations(range(count), 2)))
    baselines = array.positions[pairs[:, 0]] - array.positions[pairs[:, 1]]
    weights, phasors = _phases(microphones, rate, pairs, baselines)
    lags_s = _lags(baselines, rate)
    steering = np.exp(-2j * np.pi * np.outer(_frequencies(rate), lags_s))  # bins, lags

    mean = phasors.sum(axis=0) / max(float(weights.sum()), 1e-30)  # pairs, bins
    correlation = _Correlation((mean @ steering).real, lags_s)
    line = array.line_bearing
    rays = _RAYS if line is None else _RAYS[_LEVEL]
    response = correlation.response(rays, baselines)
    bearing = _peak(response)
    strongest, typical = float(response.max()), float(response.mean())
    confidence = float(np.clip((strongest - typical) / max(1 - typical, 1e-6), 0.0, 1.0))
    mirrored = None if line is None else wrapped(2 * line - bearing)
    if mirrored is not None and abs(mirrored) < abs(bearing):
        bearing, mirrored = mirrored, bearing
    return SoundBearing(bearing, mirrored, confidence, _spread(confidence))


def wrapped(angle: float) -> float:
    """Return an angle in radians within (-pi, pi]."""
    return float(np.pi - (np.pi - angle) % (2 * np.pi))


def rays_of(bearings: np.ndarray, elevations: np.ndarray) -> np.ndarray:
    """Return unit vectors (..., 3) in the optical frame, of bearings (positive left) and elevations (positive up), radians."""
    level = np.cos(elevations)
    return np.stack(
        np.broadcast_arrays(-np.sin(bearings) * level, -np.sin(elevations), np.cos(bearings) * level), axis=-1
    )


_RAYS = rays_of(BEARINGS, ELEVATIONS[:, None])  # elevations, bearings, 3
_COARSE = rays_of(BEARINGS[::5], np.zeros(1))  # bearings, 3
_LEVEL = slice(
    1, 2
)  # of the elevations: what a line of microphones hears as raised may as well be level at another bearing


def _frame_length(rate: int) -> int:
    return int(2 ** np.round(np.log2(FRAME_S * rate)))


def _frequencies(rate: int) -> np.ndarray:
    """Return the frequencies in Hz that are used."""
    frequencies = np.fft.rfftfreq(_frame_length(rate), 1 / rate)
    return frequencies[_used(frequencies, rate)]


def _used(frequencies: np.ndarray, rate: int) -> np.ndarray:
    return (frequencies >= BAND_HZ[0]) & (frequencies <= min(BAND_HZ[1], 0.48 * rate))


def _phases(sound: np.ndarray, rate: int, pairs: np.ndarray, baselines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights float64 (frames, bins), and with them the phase differences as complex numbers (frames, pairs, bins)."""
    length = _frame_length(rate)
    sound = np.pad(sound, ((0, max(0, length - len(sound))), (0, 0)))
    frames = np.lib.stride_tricks.sliding_window_view(sound, length, axis=0)[:: length // 2]  # frames, m, length
    spectra = np.fft.rfft(frames * np.hanning(length), axis=-1)[..., _used(np.fft.rfftfreq(length, 1 / rate), rate)]
    power = np.square(np.abs(spectra)).mean(axis=1)
    weights = power**LOUDNESS * _onsets(power, length / 2 / rate) ** 2
    energy = power.sum(axis=1)
    weights[energy < energy.max() * 10 ** (-QUIET_DB / 10)] = 0.0
    cross = spectra[:, pairs[:, 0]] * spectra[:, pairs[:, 1]].conj()
    phasors = weights[:, None] * np.exp(1j * np.angle(cross))
    agreement = _agreement(weights, phasors, _frequencies(rate), baselines) ** AGREEMENT
    return weights * agreement[:, None], phasors * agreement[:, None, None]


def _onsets(power: np.ndarray, step_s: float) -> np.ndarray:
    """Return the share of a power (frames, bins) that is not echo of the frames before, in [0, 1]."""
    from scipy.signal import lfilter

    kept = np.exp(-step_s / ECHO_S)
    before = lfilter([0.0, 1 - kept], [1.0, -kept], power, axis=0)
    return power / np.maximum(power + ECHOES * before, 1e-30)


def _agreement(weights: np.ndarray, phasors: np.ndarray, hertz: np.ndarray, baselines: np.ndarray) -> np.ndarray:
    """Return for each frame the highest response to a level direction, (frames,), in [0, 1]: 1 if all its phases fit that one."""
    delays = baselines @ _COARSE.T / SPEED_OF_SOUND  # pairs, directions
    steering = np.exp(-2j * np.pi * hertz[:, None] * delays[:, None]).astype(np.complex64)  # pairs, bins, directions
    flat = phasors.reshape(len(phasors), -1).astype(np.complex64)
    best = (flat @ steering.reshape(flat.shape[1], -1)).real.max(axis=1) / len(baselines)
    return np.clip(best / np.maximum(weights.sum(axis=1), 1e-30), 0.0, 1.0)


def _lags(baselines: np.ndarray, rate: int) -> np.ndarray:
    """Return all delays in seconds that a direction can have, a twelfth of a period of the highest frequency apart or less."""
    longest = float(np.linalg.norm(baselines, axis=1).max()) / SPEED_OF_SOUND
    steps = int(np.ceil(longest * 12 * min(BAND_HZ[1], 0.48 * rate))) + 1
    return np.linspace(-longest, longest, 2 * max(steps, 16) + 1)


def _peak(response: np.ndarray) -> float:
    """Return the bearing of the maximum of a response (elevations, bearings), between two bearings of the grid by a parabola."""
    row, column = np.unravel_index(int(response.argmax()), response.shape)
    before, here, after = (float(response[row, (column + step) % response.shape[1]]) for step in (-1, 0, 1))
    curvature = before - 2 * here + after
    shift = 0.5 * (before - after) / curvature if curvature < 0 else 0.0
    return wrapped(float(BEARINGS[column] + shift * (BEARINGS[1] - BEARINGS[0])))


def _spread(confidence: float) -> float:
    """Return the standard deviation of a bearing, radians: what is not the sound turns it in proportion to its share; at most pi."""
    return float(min(ECHO_ERROR * (1 - confidence) / max(confidence, 1e-6), np.pi))
