"""What a page may change while a live view runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Threshold of the mask, and the classes to show: all if there are none. Raises ValueError for a threshold outside [0.01, 0.99]."""

    threshold: float = 0.5
    classes: tuple[str, ...] = ()

    def __post_init__(self):
        if not 0.01 <= self.threshold <= 0.99:
            raise ValueError(f"threshold must lie within [0.01, 0.99], got {self.threshold}")
