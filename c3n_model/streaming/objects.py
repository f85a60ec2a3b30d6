"""The objects of a mask: the instances found by the network, or else the connected regions.

Each object is processed within its box, so that many small ones cost no more than a large one.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from scipy import ndimage

from c3n_model.types import SoundingObject

SPECK_AREA = 5e-4  # smaller connected regions, as a fraction of the image, are not reported as objects

Box = tuple[slice, slice]  # rows and columns
Found = tuple[SoundingObject, Box, np.ndarray]  # an object without its label, and its pixels, bool, within its box


def objects_of(
    mask: np.ndarray, probability: np.ndarray, label: str, owner: np.ndarray | None, scores: np.ndarray | None
) -> tuple[tuple[SoundingObject, ...], np.ndarray]:
    """Return the objects of a mask, largest first, and the object of each pixel.

    Args:
        mask: bool (H, W); probability: float32 (H, W) in [0, 1]; label: of all objects.
        owner: (H, W) integers in [0, n), the instance of each pixel; scores: (n,) of the instances in [0, 1]. If both are
            None, the objects are the connected regions of at least SPECK_AREA, with their mean probability as score.
    Returns:
        The objects, and uint16 (H, W): 1 + the index of the object that a pixel belongs to, 0 for none. With instances
        every pixel of the mask belongs to exactly one object.
    """
    whole = owner is None or scores is None
    found = _by_area(_regions(mask, probability) if whole else _instances(mask, owner, scores))  # type: ignore[arg-type]
    numbers = np.zeros(mask.shape, np.uint16)
    for number, (_, box, pixels) in enumerate(found, start=1):
        np.copyto(numbers[box], np.uint16(number), where=pixels)
    return tuple(SoundingObject(label, one.score, one.box, one.centroid, one.area) for one, _, _ in found), numbers


def _by_area(found: Iterator[Found]) -> list[Found]:
    return sorted(found, key=lambda entry: -entry[0].area)


def _instances(mask: np.ndarray, owner: np.ndarray, scores: np.ndarray) -> Iterator[Found]:
    """Yield the instances that own a pixel of the mask."""
    owned = np.where(mask, owner.astype(np.int32) + 1, 0)
    for number, box in enumerate(ndimage.find_objects(owned, len(scores))):
        if box is not None:
            pixels = owned[box] == number + 1
            rows, columns = np.nonzero(pixels)
            y, x = (part.start for part in box)
            centroid = (x + float(columns.mean()), y + float(rows.mean()))
            yield SoundingObject("", float(scores[number]), _corners(box), centroid, len(rows)), box, pixels


def _regions(mask: np.ndarray, probability: np.ndarray) -> Iterator[Found]:
    """Yield the connected regions of a mask but for specks."""
    _, regions, stats, centroids = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    large = stats[1:, cv2.CC_STAT_AREA] >= SPECK_AREA * mask.size
    for region in (np.flatnonzero(large) + 1).tolist():
        x, y, width, height, area = stats[region].tolist()
        box = (slice(y, y + height), slice(x, x + width))
        pixels = regions[box] == region
        score = cv2.mean(probability[box], pixels.view(np.uint8))[0]
        yield SoundingObject("", score, _corners(box), tuple(centroids[region].tolist()), area), box, pixels


def _corners(box: Box) -> tuple[int, int, int, int]:
    """A box as x, y, width and height."""
    rows, columns = box
    return columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start
