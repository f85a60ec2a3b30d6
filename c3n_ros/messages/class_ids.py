"""Assigns class ids to labels for the mask.

A mono8 mask has room for 254 ids: 0 is background, and 255 means "unlabeled" by vision_msgs/LabelInfo.

| labels of the model | ids |
|---|---|
| at most 254 distinct ones (`demo`, `zero_shot`) | assigned at the start, in the model's order: the same in every run |
| more (ImageNet's 1000) | 1, 2, ... as labels occur; the latched LabelInfo grows with them |
| more than 254 occurred | the first 254 keep theirs, any other is 255 |
"""

from __future__ import annotations

from collections.abc import Iterable

BACKGROUND, UNLABELED = 0, 255
CAPACITY = UNLABELED - 1


class Vocabulary:
    """The ids assigned so far. Not thread safe.

    `len` grows when a label gets an id; then LabelInfo must be published again, before the mask that contains it.
    """

    def __init__(self, labels: Iterable[str] = ()):
        """`labels`: the model's visual labels; duplicates (a classifier's and a segmenter's "car") share an id."""
        distinct = dict.fromkeys(labels)
        self._ids = (
            {label: number for number, label in enumerate(distinct, start=1)} if len(distinct) <= CAPACITY else {}
        )
        self._is_full = False

    def __len__(self) -> int:
        return len(self.names)

    def class_id(self, label: str) -> int:
        """Return the id of `label`, assigning a free one if it is new; UNLABELED if none is free."""
        if label not in self._ids and len(self._ids) < CAPACITY:
            self._ids[label] = len(self._ids) + 1
        self._is_full |= label not in self._ids
        return self._ids.get(label, UNLABELED)

    @property
    def names(self) -> dict[int, str]:
        """The meaning of each value of a mask, with background; "unlabeled" only once a mask needed it."""
        names = {BACKGROUND: "background", **{number: label for label, number in self._ids.items()}}
        return {**names, UNLABELED: "unlabeled"} if self._is_full else names
