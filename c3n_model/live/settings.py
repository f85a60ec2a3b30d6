"""What a page may change while a live view runs."""

from __future__ import annotations

from dataclasses import dataclass

MOST_SOURCES = 8


@dataclass(frozen=True)
class Settings:
    """Threshold of the mask; the classes to show: all if there are none; how many sounding objects with different labels are named
    at once; and whether of several objects of a class the one that moves in time with the sound is kept.

    Raises ValueError for a threshold outside [0.01, 0.99], a `max_sources` that is not a whole number within [1, MOST_SOURCES], or
    a `compare_motion` that is neither true nor false.
    """

    threshold: float = 0.5
    classes: tuple[str, ...] = ()
    max_sources: int = 1
    compare_motion: bool = False

    def __post_init__(self):
        if not 0.01 <= self.threshold <= 0.99:
            raise ValueError(f"threshold must lie within [0.01, 0.99], got {self.threshold}")
        if type(self.max_sources) is not int or not 1 <= self.max_sources <= MOST_SOURCES:
            raise ValueError(f"max_sources must be a whole number within [1, {MOST_SOURCES}], got {self.max_sources}")
        if not isinstance(self.compare_motion, bool):
            raise ValueError(f"compare_motion must be true or false, got {self.compare_motion}")
