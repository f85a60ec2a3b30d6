"""Which number stands for which label in a mask of class ids.

A mono8 mask has room for 254 of them: 0 is what does not sound, and 255 means "unlabeled" by vision_msgs/LabelInfo.

| labels of the model | ids |
|---|---|
| at most 254 different ones (`demo`, `zero_shot`) | all from the start, in the model's order: the same in every run |
| more (ImageNet's 1000) | 1, 2, ... as labels come up; the latched LabelInfo grows with them |
| more than 254 came up | those have theirs, any other is 255 |
"""

from __future__ import annotations

from collections.abc import Iterable

BACKGROUND, UNLABELED = 0, 255
CAPACITY = UNLABELED - 1


class Vocabulary:
    """The ids given so far. Not locked: one thread at a time.

    `len` grows when a label gets an id, which is when LabelInfo is to be published again, before the mask that has it.
    """

    def __init__(self, labels: Iterable[str] = ()):
        """`labels`: the model's visual labels; equal ones (a classifier's and a segmenter's "car") share an id."""
        distinct = dict.fromkeys(labels)
        self._ids = (
            {label: number for number, label in enumerate(distinct, start=1)} if len(distinct) <= CAPACITY else {}
        )
        self._is_full = False

    def __len__(self) -> int:
        return len(self.names)

    def class_id(self, label: str) -> int:
        """The id of `label`, a new one if it has none and one is free, else UNLABELED."""
        if label not in self._ids and len(self._ids) < CAPACITY:
            self._ids[label] = len(self._ids) + 1
        self._is_full |= label not in self._ids
        return self._ids.get(label, UNLABELED)

    @property
    def names(self) -> dict[int, str]:
        """What every value of a mask means, background among them; "unlabeled" only once a mask needed it."""
        names = {BACKGROUND: "background", **{number: label for label, number in self._ids.items()}}
        return {**names, UNLABELED: "unlabeled"} if self._is_full else names
