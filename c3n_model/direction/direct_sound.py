"""How much each frequency at each moment tells about the direction of a sound: a small network, trained in simulated rooms.

Of a second in a room most is echo and noise, from elsewhere. What came straight from the source is known by what was louder than the
moments before (the precedence effect of hearing), than the noise, and by neighbouring frequencies that agree on one direction. Nine such
features of a bin and its neighbours go through two convolutions of 3 x 3 to the logarithm of its weight. With these weights the
array's response is a log-likelihood: e to its difference are the odds of one direction against another.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

WEIGHTS = Path(__file__).with_name("direct_sound.safetensors")
FEATURES = 9
MEMORIES_S = (0.02, 0.045, 0.12)  # how fast what was heard before is forgotten
QUIET = 0.2  # quantile of the powers of a frequency that counts as its noise
NEIGHBOURS = 9  # bins over which the phases of a moment shall agree
FLOOR_DB = -35.0  # of a frequency's mean power: digital silence is not quieter than a quiet room
_SCALE = np.array([3, 3, 2, 2, 2, 3, 3, 2, 0.3], np.float32)  # about the standard deviations
MOST = 4.0  # logarithm of a weight


def features(power: np.ndarray, agreement: np.ndarray, step_s: float) -> np.ndarray:
    """Return the features float32 (FEATURES, f, t) of powers float (f, t) at moments `step_s` apart, and of their `agreement`."""
    mean = power.mean(axis=1, keepdims=True)
    power = power + mean * 10 ** (FLOOR_DB / 10) + 1e-20
    level, frame = np.log(power), power.sum(axis=0, keepdims=True)
    noise = np.partition(level, int(QUIET * level.shape[1]), axis=1)[:, [int(QUIET * level.shape[1])]]
    shapes = [
        level - np.log(power.mean()),
        level - np.log(mean + 1e-20),
        *(_rise(power, memory_s, step_s) for memory_s in MEMORIES_S),
        level - noise,
        np.broadcast_to(np.log(frame / frame.max()), power.shape),
        np.broadcast_to(_rise(frame, MEMORIES_S[1], step_s), power.shape),
        agreement,
    ]
    return np.stack(shapes, dtype=np.float32, casting="same_kind").clip(-12, 12) / _SCALE[:, None, None]


def agreement_of(unit: np.ndarray, coarse: np.ndarray, power: np.ndarray) -> np.ndarray:
    """Return how well each bin and its neighbours of the same moment agree on one direction, float32 (f, t) in [0, 1].

    `unit` and `coarse` are complex64 (f, t, m) and (f, c, m) of a `Steering`; louder bins, of `power` (f, t), count a little more.
    """
    loud = np.sqrt(np.sqrt(power)).astype(np.float32) + 1e-12
    matched = coarse.conj() @ unit.transpose(0, 2, 1)  # f, c, t
    shares = (np.square(matched.real) + np.square(matched.imag)) * loud[:, None]
    return _over_neighbours(shares).max(axis=1) / _over_neighbours(loud)


def direct_sound(shapes: np.ndarray) -> np.ndarray:
    """Return the weight float32 (f, t) of each bin, from its `features`."""
    layers = _layers()
    hidden = shapes
    for name in ("first", "second"):
        hidden = np.maximum(_convolved(hidden, layers[f"{name}.weight"]) + layers[f"{name}.bias"][:, None, None], 0.0)
    logarithm = np.tensordot(layers["last.weight"], hidden, axes=1) + layers["last.bias"]
    return np.exp(np.minimum(logarithm, MOST))


@lru_cache(maxsize=1)
def _layers() -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file  # here: only arrays should cost it

    return load_file(WEIGHTS)


def _rise(power: np.ndarray, memory_s: float, step_s: float) -> np.ndarray:
    """Return the logarithm of a power (f, t) over that of the moments before, at most 30 dB."""
    from scipy.signal import lfilter  # half a second that only arrays should cost

    kept = np.exp(-step_s / memory_s)
    before = lfilter([0.0, 1 - kept], [1.0, -kept], power, axis=1)
    return np.log(power / np.maximum(before, power * 1e-3))


def _over_neighbours(values: np.ndarray) -> np.ndarray:
    """Return the sums over NEIGHBOURS along the first axis, fewer at its ends."""
    half = NEIGHBOURS // 2
    total = np.cumsum(values, axis=0, dtype=np.float32)
    until = np.minimum(np.arange(len(values)) + half, len(values) - 1)
    sums = total[until]
    sums[half + 1 :] -= total[: -half - 1]
    return sums


def _convolved(image: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the convolution of (c, f, t) with (3, 3, c, d), with zeros around it: float32 (d, f, t)."""
    count, rows, columns = image.shape
    padded = np.zeros((count, rows + 2, columns + 2), np.float32)
    padded[:, 1:-1, 1:-1] = image
    # In one row of pixels a neighbour is a fixed number of pixels away; what runs over the sides is cut off at the end.
    pixels, width = padded.reshape(count, -1), columns + 2
    used = rows * width - 2
    shifts = [row * width + column for row in range(3) for column in range(3)]
    patches = np.concatenate([pixels[:, shift : shift + used] for shift in shifts])
    sums = np.zeros((weight.shape[-1], rows * width), np.float32)
    sums[:, :used] = weight.reshape(9 * count, -1).T @ patches
    return sums.reshape(-1, rows, width)[:, :, :columns]
