"""Track objects from window to window, so that their ids stay the same.

Windows are up to a second apart and sounds pause, so there is no motion model: objects are assigned to the nearest boxes of
earlier objects, all at once (Hungarian method on the generalised IoU, Rezatofighi et al., CVPR 2019). Objects with the same
label are assigned first; an object left over may have changed its label without moving.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from c3n_model.types import NANOSECONDS_PER_SECOND, SoundingObject

MEMORY_S = 5.0  # an object that was not seen for longer gets a new id when it returns
# Minimum generalised IoU for the same label: it is 1 for equal boxes, -0.3 for boxes of equal size with a gap of 0.86 sides.
NEAR = -0.3
SAME_PLACE = 0.5  # minimum generalised IoU for an object whose label changed


@dataclass
class _Track:
    id: int
    label: str
    box: tuple[int, int, int, int]
    seen_ns: int


class Tracker:
    """Remembers the objects of one stream for MEMORY_S. Not thread safe."""

    def __init__(self) -> None:
        self._tracks: list[_Track] = []
        self._newest_id = 0

    def forget(self) -> None:
        """Forget all objects. Their ids are not used again."""
        self._tracks.clear()

    def track(self, objects: Sequence[SoundingObject], stamp_ns: int) -> tuple[SoundingObject, ...]:
        """Return the objects of a frame with their unique `id` (1, 2, ...), in the same order.

        A stamp earlier than the last one forgets all objects first.
        """
        if any(track.seen_ns > stamp_ns for track in self._tracks):
            self.forget()
        oldest_ns = stamp_ns - MEMORY_S * NANOSECONDS_PER_SECOND
        self._tracks = [track for track in self._tracks if track.seen_ns >= oldest_ns]
        taken: dict[int, _Track] = {}  # by index in objects
        for limit, same_label in ((NEAR, True), (SAME_PLACE, False)):
            free = [track for track in self._tracks if not any(track is other for other in taken.values())]
            waiting = [index for index in range(len(objects)) if index not in taken]
            taken |= _assign(waiting, objects, free, limit, same_label)
        for index, found in enumerate(objects):
            if index not in taken:
                self._newest_id += 1
                taken[index] = _Track(self._newest_id, found.label, found.box, stamp_ns)
                self._tracks.append(taken[index])
            track = taken[index]
            track.label, track.box, track.seen_ns = found.label, found.box, stamp_ns
        return tuple(replace(found, id=taken[index].id) for index, found in enumerate(objects))


def _assign(
    waiting: list[int], objects: Sequence[SoundingObject], tracks: list[_Track], limit: float, same_label: bool
) -> dict[int, _Track]:
    """Return object index -> track for all pairs of the best assignment with a generalised IoU of at least `limit`."""
    if not waiting or not tracks:
        return {}
    likeness = np.array([[generalised_iou(objects[index].box, track.box) for track in tracks] for index in waiting])
    if same_label:
        differ = [[objects[index].label != track.label for track in tracks] for index in waiting]
        likeness[np.array(differ)] = -1.0
    likeness[likeness < limit] = -1.0  # a pair of distant boxes must not displace one of near boxes
    rows, columns = linear_sum_assignment(-likeness)
    return {
        waiting[row]: tracks[column]
        for row, column in zip(rows, columns, strict=True)
        if likeness[row, column] >= limit
    }


def generalised_iou(first: tuple[int, int, int, int], second: tuple[int, int, int, int]) -> float:
    """Compute the generalised IoU of two boxes (x, y, width, height), in (-1, 1]: the IoU minus the fraction of their
    bounding box that is in neither."""
    (x0, y0, w0, h0), (x1, y1, w1, h1) = first, second
    inner = max(0, min(x0 + w0, x1 + w1) - max(x0, x1)) * max(0, min(y0 + h0, y1 + h1) - max(y0, y1))
    union = w0 * h0 + w1 * h1 - inner
    hull = (max(x0 + w0, x1 + w1) - min(x0, x1)) * (max(y0 + h0, y1 + h1) - min(y0, y1))
    return inner / union - (hull - union) / hull
