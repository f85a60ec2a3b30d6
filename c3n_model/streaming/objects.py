"""The objects of a mask: the instances found by the network, or else the connected regions."""

from __future__ import annotations

import cv2
import numpy as np

from c3n_model.types import SoundingObject

SPECK_AREA = 5e-4  # smaller connected regions, as a fraction of the image, are not reported as objects


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
    if owner is None or scores is None:
        found = _regions(mask, probability)
    else:
        own = [(mask & (owner == number), float(score)) for number, score in enumerate(scores)]
        found = [(_describe(pixels, score), pixels) for pixels, score in own if pixels.any()]
    found = sorted(found, key=lambda entry: -entry[0].area)
    numbers = np.zeros(mask.shape, np.uint16)
    for number, (_, pixels) in enumerate(found, start=1):
        numbers[pixels] = number
    return tuple(SoundingObject(label, one.score, one.box, one.centroid, one.area) for one, _ in found), numbers


def _describe(pixels: np.ndarray, score: float) -> SoundingObject:
    rows, columns = np.nonzero(pixels)
    x, y = int(columns.min()), int(rows.min())
    box = (x, y, int(columns.max()) - x + 1, int(rows.max()) - y + 1)
    return SoundingObject("", score, box, (float(columns.mean()), float(rows.mean())), len(rows))


def _regions(mask: np.ndarray, probability: np.ndarray) -> list[tuple[SoundingObject, np.ndarray]]:
    count, regions, stats, centroids = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    found = []
    for region in range(1, count):
        x, y, width, height, area = (int(value) for value in stats[region])
        if area >= SPECK_AREA * mask.size:
            pixels = regions == region
            centroid = (float(centroids[region][0]), float(centroids[region][1]))
            one = SoundingObject("", float(probability[pixels].mean()), (x, y, width, height), centroid, area)
            found.append((one, pixels))
    return sorted(found, key=lambda entry: -entry[0].area)
