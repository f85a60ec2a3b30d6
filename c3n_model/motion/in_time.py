"""Which of several objects of a class moves in time with the sound.

| what moves | decision | effect |
|---|---|---|
| one object of a class in time with the sound, more clearly than the others of its class | chosen | those are removed |
| none, several alike, or too little was seen or heard | unclear | none |
| there are no two objects of one class | "" | none |

The constants were chosen on drawn scenes with synthetic sounds, so that hardly any choice is wrong: in `c3n motion-bench --seed 0 --scenes
40` 1 of 200 where one object follows the sound, and 1 of 40 where none does. Other seeds, real sounds and real clips were not used.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from c3n_model.motion.sound_rhythm import Rhythm
from c3n_model.types import Segmentation, SoundingObject

LAGS_NS = tuple(
    range(-100_000_000, 100_000_001, 50_000_000)
)  # of the sound after the motion: stamps of cameras are this good
MIN_INTERVALS = 20  # two seconds
SIGNIFICANCE = 3.0  # standard errors of the correlation of independent values, which is 1 / sqrt(intervals)
MARGIN = 0.2  # by which the best correlation exceeds the next one
DECISIONS = ("", "unclear", "chosen")
TOO_LITTLE, NONE_IN_TIME = "too little was seen or heard", "none moves clearly in time with the sound"
SEVERAL_ALIKE = "several move alike"
CAUSES = (TOO_LITTLE, NONE_IN_TIME, SEVERAL_ALIKE)  # of a decision "unclear"


def correlate(
    energies: np.ndarray, begins_ns: np.ndarray, ends_ns: np.ndarray, rhythm: Rhythm
) -> tuple[float, int] | None:
    """Return the correlation of an object's motion with the sound, in [-1, 1], and of how many intervals it is.

    `energies` float (n,): motion in intervals (n,), NaN where unknown. Their square roots are correlated with the sound's level and
    with its rises, at each of LAGS_NS; the highest counts. None with fewer than MIN_INTERVALS.
    """
    best: tuple[float, int] | None = None
    motion = np.sqrt(energies)
    for lag_ns in LAGS_NS:
        sound = rhythm.over(begins_ns + lag_ns, ends_ns + lag_ns)
        known = np.isfinite(motion) & np.isfinite(sound).all(axis=0)
        count = int(known.sum())
        if count < MIN_INTERVALS:
            continue
        correlation = max(_pearson(motion[known], part[known]) for part in sound)
        if best is None or correlation > best[0]:
            best = correlation, count
    return best


def choose_moving(segmentation: Segmentation, correlations: Sequence[tuple[float, int] | None]) -> Segmentation:
    """Return `segmentation` with the correlation of each object and the decision that follows; see the module's table."""
    groups = [indices for indices in indices_by_class(segmentation.objects) if len(indices) > 1]
    if not groups or segmentation.object_numbers is None:
        return segmentation
    objects = tuple(
        found if correlation is None else replace(found, motion=correlation[0])
        for found, correlation in zip(segmentation.objects, correlations, strict=True)
    )
    removed: set[int] = set()
    for indices in groups:
        clearest, _ = _judge([correlations[index] for index in indices])
        if clearest is not None:
            removed.update(set(indices) - {indices[clearest]})
    told = replace(segmentation, objects=objects, motion_decision="chosen" if removed else "unclear")
    return told.with_objects([index for index in range(len(objects)) if index not in removed]) if removed else told


def why_unclear(objects: Sequence[SoundingObject], correlations: Sequence[tuple[float, int] | None]) -> str:
    """Return why `choose_moving` chooses none of `objects`, one of CAUSES, for the first class of several; "" if it chooses one, or
    no two objects have a class in common."""
    groups = [indices for indices in indices_by_class(objects) if len(indices) > 1]
    judged = [_judge([correlations[index] for index in indices]) for indices in groups]
    return judged[0][1] if judged and all(clearest is None for clearest, _ in judged) else ""


def indices_by_class(objects: Sequence[SoundingObject]) -> list[list[int]]:
    """Return the indices of the objects of each class."""
    of_class = defaultdict(list)
    for index, found in enumerate(objects):
        of_class[found.label].append(index)
    return list(of_class.values())


def _judge(correlations: Sequence[tuple[float, int] | None]) -> tuple[int | None, str]:
    """Return the index of the object that moves in time with the sound more clearly than the others, and ""; or None, and one of
    CAUSES."""
    if any(correlation is None for correlation in correlations):
        return None, TOO_LITTLE
    known = [correlation for correlation in correlations if correlation is not None]
    *_, second, first = sorted(range(len(known)), key=lambda index: known[index][0])
    (best, count), next_best = known[first], known[second][0]
    if best < SIGNIFICANCE / np.sqrt(count):
        return None, NONE_IN_TIME
    return (first, "") if best - next_best >= MARGIN else (None, SEVERAL_ALIKE)


def _pearson(first: np.ndarray, second: np.ndarray) -> float:
    """Return the correlation of two series, 0 if one does not change."""
    first, second = first - first.mean(), second - second.mean()
    scale = np.sqrt(np.square(first).sum() * np.square(second).sum())
    return float(np.clip((first * second).sum() / scale, -1, 1)) if scale > 1e-12 else 0.0
