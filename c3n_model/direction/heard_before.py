"""What the seconds before said about which object sounds: a sound that goes on is told better by all of its seconds than by one."""

from __future__ import annotations

from collections.abc import Sequence

from c3n_model.types import NANOSECONDS_PER_SECOND, Segmentation

KEPT = 0.7  # of the log-likelihoods of the seconds before
MOST = 2.0  # log odds that they may give: a clear second of another object, such as the next speaker, counts more
LONGEST_GAP_NS = 2 * NANOSECONDS_PER_SECOND  # between two seconds of one sound


class HeardBefore:
    """Log-likelihoods of tracked objects, kept from second to second while the same class sounds without a pause."""

    def __init__(self):
        self._of_id: dict[int, float] = {}
        self._sound, self._start_ns = "", 0

    def begin(self, segmentation: Segmentation) -> None:
        """Forget what another sound, or the same one before a pause, said."""
        gap_ns = segmentation.window_start_ns - self._start_ns
        sound = segmentation.label.audio if segmentation.presence.audible else ""
        if not sound or sound != self._sound or not 0 < gap_ns <= LONGEST_GAP_NS:
            self._of_id = {}
        self._sound, self._start_ns = sound, segmentation.window_start_ns

    def add(self, ids: Sequence[int], likelihoods: Sequence[float]) -> list[float]:
        """Return the log-likelihoods of a class's objects with what the seconds before said, given those of this second.

        Nothing is added while one of the objects is new, and nothing is kept of untracked ones (id 0).
        """
        known = all(number in self._of_id for number in ids)
        past = [self._of_id[number] if known else 0.0 for number in ids]
        sums = [now + earlier for now, earlier in zip(likelihoods, past, strict=True)]
        kept = {number: max(KEPT * (total - max(sums)), -MOST) for number, total in zip(ids, sums, strict=True)}
        self._of_id |= {number: value for number, value in kept.items() if number}
        return sums
