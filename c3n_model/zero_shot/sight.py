"""What the open-vocabulary eye saw last, so that it needs not look at every window of a stream."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from c3n_model.zero_shot.detections import Detections
from c3n_model.zero_shot.regions import window_of

SIDE = 32  # pixels of the small grey pictures that are compared
# Mean difference of grey values in [0, 1] above which a picture, or the part of it in a box, is another one: seconds of a still
# camera differ by at most 0.026 (three real clips), pictures shifted by 5 % of their width by 0.043 to 0.136 (eight).
MOVED = 0.04


@dataclass
class Sight:
    """The last look of an eye: the nouns it looked for, what it found, the small picture (SIDE, SIDE), and its age in windows."""

    nouns: frozenset[str] = field(default_factory=frozenset)
    found: Detections | None = None
    picture: Tensor | None = None
    age: int = 0

    def recall(self, nouns: Collection[str], frame: Tensor, every: int) -> Detections | None:
        """Return what was found, at the next window; None if the eye has to look again.

        It has to if another noun is looked for, if the frame (3, H, W) or the part of it in a box is no longer that picture, and
        at every `every`-th window.
        """
        self.age += 1
        if self.found is None or self.picture is None or self.age >= every or not self.nouns.issuperset(nouns):
            return None
        return None if _has_changed(self.picture, small_picture(frame), self.found.boxes) else self.found

    def remember(self, nouns: Collection[str], frame: Tensor, found: Detections) -> None:
        """Keep what was found for these nouns in a frame (3, H, W)."""
        self.nouns, self.found, self.picture, self.age = frozenset(nouns), found, small_picture(frame), 0

    def forget(self) -> None:
        """Forget the last look, so that the eye looks at the next window."""
        self.nouns, self.found, self.picture, self.age = frozenset(), None, None, 0


def small_picture(frame: Tensor) -> Tensor:
    """Return the grey values of a frame (3, H, W) in [0, 1], averaged to (SIDE, SIDE)."""
    return F.adaptive_avg_pool2d(frame.mean(dim=0)[None], SIDE)[0]


def _has_changed(before: Tensor, now: Tensor, boxes: Tensor) -> bool:
    difference = (now - before).abs()
    parts = [difference, *(difference[window_of(box, (SIDE, SIDE), 0.0)] for box in boxes)]
    return bool(torch.stack([part.mean() for part in parts]).max() > MOVED)
