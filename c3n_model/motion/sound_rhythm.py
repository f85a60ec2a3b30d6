"""When a sound is loud and when it begins, in steps of 10 ms, over the intervals between two pictures."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from c3n_model.types import NANOSECONDS_PER_SECOND, Window

STEP_NS = 10_000_000
STEPS_PER_S = NANOSECONDS_PER_SECOND // STEP_NS
RANGE_DB = 40.0  # what is quieter than the loudest step by more counts as silence, so that noise has no rhythm
_QUIETEST = 1e-6


def loudness(window: Window) -> np.ndarray:
    """Return the root mean square of each step of a window's sound, float64 (STEPS_PER_S,)."""
    energy = np.concatenate([[0.0], np.cumsum(np.square(window.snippet, dtype=np.float64))])
    edges = np.linspace(0, len(window.snippet), STEPS_PER_S + 1)
    means = np.diff(np.interp(edges, np.arange(len(energy)), energy)) / (edges[1] - edges[0])
    return np.sqrt(np.maximum(means, 0.0))


class Rhythm:
    """The sound of the last seconds: its level, and how much it rises, in decades of amplitude."""

    def __init__(self, seconds: Iterable[tuple[int, np.ndarray]]):
        """`seconds`: start in ns and `loudness` of windows, at least one; seconds without a window are unknown."""
        held = list(seconds)
        self._origin_ns = min(start for start, _ in held)
        steps = (max(start for start, _ in held) - self._origin_ns) // STEP_NS + STEPS_PER_S
        heard = np.full(steps, np.nan)
        for start_ns, values in held:
            first = (start_ns - self._origin_ns) // STEP_NS
            heard[first : first + STEPS_PER_S] = values
        known = np.isfinite(heard)
        floor = max(float(np.nanmax(heard)) * 10 ** (-RANGE_DB / 20), _QUIETEST)
        level = np.log10(np.maximum(np.where(known, heard, 0.0), floor) / floor)
        follows = known & np.concatenate([[False], known[:-1]])
        rise = np.where(follows, np.maximum(np.diff(level, prepend=level[0]), 0.0), 0.0)
        self._sums = [
            np.concatenate([[0.0], np.cumsum(values)]) for values in (known, np.where(known, level, 0.0), rise)
        ]

    def over(self, begins_ns: np.ndarray, ends_ns: np.ndarray) -> np.ndarray:
        """Return the mean level and the mean rise over intervals (n,), float64 (2, n); NaN where some sound is unknown."""
        begins, ends = ((stamps - self._origin_ns) / STEP_NS for stamps in (begins_ns, ends_ns))
        grid = np.arange(len(self._sums[0]))
        known, *sums = (np.interp(ends, grid, values) - np.interp(begins, grid, values) for values in self._sums)
        steps = ends - begins
        return np.where(known > 0.99 * steps, np.array(sums) / steps, np.nan)
