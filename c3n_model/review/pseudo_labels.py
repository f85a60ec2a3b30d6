"""Which seconds a model labels surely enough to be trained on: confident, and like the seconds beside them.

The confidence of a second is its presence, on the model's own scale: from its `presence_threshold`, at which a mask is published, to 1.
For zero_shot the presence is the consensus of Eq. 6; `c3n calibrate`, and `fit_thresholds` in training, fit the threshold. A wrong label
seldom lasts: what is kept has the same label and nearly the same mask in the seconds before and after.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from c3n_model.review.seconds import ReviewSecond
from c3n_model.types import NANOSECONDS_PER_SECOND, Presence

MARGIN = 0.25  # how far from the threshold to 1 a confidence must be
SMALLEST_OVERLAP = 0.5  # IoU of the masks of neighbours

KEPT = ""
SILENT = "silent"
NO_MASK = "published without a pixel"
NOT_CONFIDENT = "below the confidence"
NO_NEIGHBOUR = "without a second before or after"
UNCERTAIN_NEIGHBOUR = "beside a second without a mask"
OTHER_LABEL = "beside another label"
OTHER_MASK = "beside another mask"


def least_confidence(threshold: float, margin: float = MARGIN) -> float:
    """Return the presence in [0, 1] from which a second is confident: the fraction `margin` of the way from `threshold` to 1.

    Unlike a multiple of the threshold this can always be reached, and a combined model, which maps the presence of its trained part
    piecewise linearly to zero_shot's, asks the same of both. Raises ValueError unless `margin` is in [0, 1).
    """
    if not 0 <= margin < 1:
        raise ValueError(f"the margin must be at least 0 and below 1, got {margin}")
    return threshold + margin * (1 - threshold)


def judge(
    seconds: Sequence[ReviewSecond], presences: Mapping[int, Presence], least: float, *, silence: bool
) -> list[str]:
    """Return for each second of a recording why it is dropped, KEPT if it is not.

    Args:
        seconds: in order, with masks and labels as proposed by a model.
        presences: start of a second [ns] -> what the model said of it.
        least: see `least_confidence`.
        silence: keep silent seconds, with an empty mask, too: those nearest to seconds with a mask, and at most as many. A silent
            neighbour does not speak against a second, if the other one agrees.
    """
    alone = [_judge_alone(second, presences.get(second.start_ns), least) for second in seconds]
    reasons = [
        reason if reason != KEPT else _judge_beside(seconds, alone, number) for number, reason in enumerate(alone)
    ]
    kept = np.flatnonzero([reason == KEPT for reason in reasons])
    quiet = [number for number, reason in enumerate(reasons) if reason == SILENT]
    if silence and len(kept):
        nearest = sorted(quiet, key=lambda number: (int(np.abs(kept - number).min()), number))
        for number in nearest[: len(kept)]:
            reasons[number] = KEPT
    return reasons


def _judge_alone(second: ReviewSecond, presence: Presence | None, least: float) -> str:
    if presence is None:
        return NO_MASK
    if not presence.present:
        return presence.reason  # "silent", "unsure", "not in view" or "filtered"
    if not second.label:
        return NO_MASK
    return KEPT if presence.score >= least else NOT_CONFIDENT


def _judge_beside(seconds: Sequence[ReviewSecond], alone: Sequence[str], number: int) -> str:
    """Compare a confident second with both neighbours, which may be less confident but must agree."""
    beside = [other for other in (number - 1, number + 1) if 0 <= other < len(seconds)]
    gaps = [abs(seconds[other].start_ns - seconds[number].start_ns) for other in beside]
    if len(beside) < 2 or any(gap != NANOSECONDS_PER_SECOND for gap in gaps):
        return NO_NEIGHBOUR
    sounding = [other for other in beside if alone[other] != SILENT]
    if not sounding or not all(seconds[other].label for other in sounding):
        return UNCERTAIN_NEIGHBOUR
    if any(seconds[other].label != seconds[number].label for other in sounding):
        return OTHER_LABEL
    overlaps = [overlap(seconds[other].proposal, seconds[number].proposal) for other in sounding]
    return KEPT if min(overlaps) >= SMALLEST_OVERLAP else OTHER_MASK


def overlap(mask: np.ndarray, other: np.ndarray) -> float:
    """Compute the IoU of two masks bool (H, W), 0 for different sizes or if both are empty."""
    if mask.shape != other.shape:
        return 0.0
    return int((mask & other).sum()) / max(int((mask | other).sum()), 1)
