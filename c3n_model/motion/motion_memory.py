"""The last seconds of a stream: small pictures, where objects were, and the sound; from which motion in time with the sound follows."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np

from c3n_model.motion.image_change import Change, grown, measure_change
from c3n_model.motion.in_time import choose_moving, correlate, indices_by_class, why_unclear
from c3n_model.motion.small_pictures import PICTURES_PER_S, SmallPicture, is_due, shrink
from c3n_model.motion.sound_rhythm import Rhythm, loudness
from c3n_model.types import NANOSECONDS_PER_SECOND, AudioChunk, Frame, Segmentation, Window

HISTORY_S = 5  # seconds of motion and sound that are compared
_JUMP_NS = 2 * NANOSECONDS_PER_SECOND  # a stamp that is older than the newest by more: the clock jumped back
_LONGEST_NS = NANOSECONDS_PER_SECOND // 2  # between two pictures that are compared
_HELD = 2 * HISTORY_S * PICTURES_PER_S


@dataclass(frozen=True)
class _Moment:
    """A window: its start, the stamp of its frame, its sound by step, and the pixels (h, w) of each object around it, by id."""

    start_ns: int
    stamp_ns: int
    loudness: np.ndarray
    places: dict[int, np.ndarray]


class MotionMemory:
    """Remembers HISTORY_S seconds of one stream. One thread calls `wants`, `add` and `see`, one thread `choose`.

    Only pictures up to the frame of a window count for it, so that the result depends on stamps alone. `cause`: why the newest
    choice was "unclear", one of `in_time.CAUSES`, else "".
    """

    def __init__(self) -> None:
        self._pictures: deque[SmallPicture] = deque(maxlen=_HELD)
        self._moments: list[_Moment] = []
        self._changes: list[Change] = []
        self.cause = ""

    def wants(self, stamp_ns: int) -> bool:
        """Return whether the image of this stamp is to be added."""
        newest_ns = self._pictures[-1].stamp_ns if self._pictures else None
        if newest_ns is None or stamp_ns < newest_ns - _JUMP_NS:
            return True
        return stamp_ns > newest_ns and is_due(stamp_ns, newest_ns)

    def add(self, frame: Frame) -> None:
        """Add an image that `wants` asked for."""
        if self._pictures and frame.stamp_ns < self._pictures[-1].stamp_ns:
            self._pictures.clear()
        self._pictures.append(shrink(frame))

    def see(self, item: Frame | AudioChunk) -> None:
        """Take an item of a recording."""
        if isinstance(item, Frame) and self.wants(item.stamp_ns):
            self.add(item)

    def choose(self, segmentation: Segmentation, window: Window[Frame]) -> Segmentation:
        """Return `segmentation` with the choice among its objects that follows from motion, see `in_time`; unchanged unless there
        are two objects of a class."""
        self.cause = ""
        if self._moments and window.start_ns <= self._moments[-1].start_ns:
            self._moments.clear()
            self._changes.clear()
        pictures = [picture for picture in tuple(self._pictures) if picture.stamp_ns <= window.frame.stamp_ns]
        if not pictures:
            return segmentation
        places = _places(segmentation, pictures[-1].gray.shape)
        self._compare(pictures, places)
        self._moments.append(_Moment(window.start_ns, window.frame.stamp_ns, loudness(window), places))
        self._forget(window.frame.stamp_ns - HISTORY_S * NANOSECONDS_PER_SECOND)
        if all(len(indices) < 2 for indices in indices_by_class(segmentation.objects)):
            return segmentation
        correlations = self._correlations([found.id for found in segmentation.objects])
        self.cause = why_unclear(segmentation.objects, correlations)
        return choose_moving(segmentation, correlations)

    def _compare(self, pictures: list[SmallPicture], places: dict[int, np.ndarray]) -> None:
        """Add the changes between the pictures that are new."""
        shape = pictures[-1].gray.shape
        if self._changes and self._changes[-1].amount.shape != shape:  # another camera
            self._moments.clear()
            self._changes.clear()
        background = ~np.any(list(places.values()), axis=0) if places else np.ones(shape, bool)
        done_ns = self._changes[-1].end_ns if self._changes else 0
        for before, after in zip(pictures, pictures[1:], strict=False):
            apart = after.stamp_ns - before.stamp_ns <= _LONGEST_NS
            if after.stamp_ns > done_ns and apart and before.gray.shape == after.gray.shape == shape:
                amount = measure_change(before.gray, after.gray, background)
                self._changes.append(Change(before.stamp_ns, after.stamp_ns, amount))

    def _forget(self, oldest_ns: int) -> None:
        self._changes = [change for change in self._changes if change.begin_ns >= oldest_ns]
        self._moments = [moment for moment in self._moments if moment.stamp_ns > oldest_ns]

    def _correlations(self, ids: list[int]) -> list[tuple[float, int] | None]:
        """Return for each object what `correlate` returns; None for one that is not tracked, or too small to be seen."""
        if not self._changes:
            return [None] * len(ids)
        rhythm = Rhythm((moment.start_ns, moment.loudness) for moment in self._moments)
        begins_ns, ends_ns = np.array([(change.begin_ns, change.end_ns) for change in self._changes]).T
        return [correlate(self._energies(number), begins_ns, ends_ns, rhythm) if number else None for number in ids]

    def _energies(self, number: int) -> np.ndarray:
        """Return the motion of an object between pictures, float64 (n,): the mean change where it was at the nearest moment."""
        moments = [moment for moment in self._moments if number in moment.places]
        if not moments:
            return np.full(len(self._changes), np.nan)
        stamps_ns = np.array([moment.stamp_ns for moment in moments])
        nearest = [int(np.abs(stamps_ns - change.end_ns).argmin()) for change in self._changes]
        return np.array(
            [
                change.amount[moments[at].places[number]].mean()
                for change, at in zip(self._changes, nearest, strict=True)
            ],
            np.float64,
        )


def _places(segmentation: Segmentation, shape: tuple[int, ...]) -> dict[int, np.ndarray]:
    """Return the pixels bool `shape` of and around each object by its id, without those of the others; {} if unknown."""
    if segmentation.object_numbers is None:
        return {}
    numbers = cv2.resize(segmentation.object_numbers, shape[::-1], interpolation=cv2.INTER_NEAREST)
    own = {found.id: numbers == index for index, found in enumerate(segmentation.objects, start=1) if found.id}
    regions = {number: grown(region) & ((numbers == 0) | region) for number, region in own.items()}
    return {number: region for number, region in regions.items() if region.any()}
