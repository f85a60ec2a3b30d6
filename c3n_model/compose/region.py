"""The region of one annotated thing in a picture, kept as its file has it and drawn when it is needed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from c3n_model.sources.picture_files import read_picture


class Region(Protocol):
    """`noun` of the thing, `area` as a fraction of the picture, `is_single`: one thing, not a crowd of them."""

    noun: str
    area: float
    is_single: bool

    def mask(self, size: tuple[int, int]) -> np.ndarray:
        """Draw the region: bool (H, W) of `size`. Raises ValueError for a region that does not fit the picture."""


@dataclass(frozen=True, eq=False)
class Polygons:
    """Polygons, each float32 (n, 2) of x and y as fractions of width and height."""

    noun: str
    area: float
    parts: tuple[np.ndarray, ...]
    is_single: bool = True

    def mask(self, size: tuple[int, int]) -> np.ndarray:
        """See `Region`."""
        scaled = [np.round(part * (size[1], size[0])).astype(np.int32) for part in self.parts]
        return cv2.fillPoly(np.zeros(size, np.uint8), scaled, 1).astype(bool)


@dataclass(frozen=True, eq=False)
class RunLengths:
    """COCO's run lengths: alternately pixels outside and inside, column by column; `shape` is (H, W) of the picture."""

    noun: str
    area: float
    counts: np.ndarray
    shape: tuple[int, int]
    is_single: bool = True

    def mask(self, size: tuple[int, int]) -> np.ndarray:
        """See `Region`."""
        inside = np.repeat(np.arange(len(self.counts)) % 2 == 1, self.counts)
        if len(inside) != self.shape[0] * self.shape[1]:
            raise ValueError(
                f"run lengths of {len(inside)} pixels do not fit a picture of (height, width) {self.shape}"
            )
        return fitting(inside.reshape(self.shape[::-1]).T, size)


@dataclass(frozen=True, eq=False)
class Segment:
    """The pixels of a PNG whose colour, red + 256 green + 65536 blue, is `number`."""

    noun: str
    area: float
    png: Path
    number: int
    is_single: bool = True

    def mask(self, size: tuple[int, int]) -> np.ndarray:
        """See `Region`."""
        return fitting(_segment_numbers(self.png) == self.number, size)


@lru_cache(maxsize=1)  # the regions of a picture are drawn one after the other
def _segment_numbers(png: Path) -> np.ndarray:
    red, green, blue = np.moveaxis(read_picture(png).astype(np.int64), -1, 0)
    return red + 256 * green + 65536 * blue


def fitting(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return the mask if it has the size of its picture. Raises ValueError otherwise."""
    if mask.shape != tuple(size):
        raise ValueError(f"a mask has (height, width) {mask.shape}, expected its picture's size {tuple(size)}")
    return mask


def polygon_area(part: np.ndarray) -> float:
    """Compute the area of a polygon (n, 2), with the shoelace formula."""
    x, y = part.astype(float).T
    return 0.5 * abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))))
