"""Several sounding objects in one second: which of the named classes each object of the mask is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from c3n_model.network.several import FurtherPairs
from c3n_model.types import SoundingObject


def allow_sources(network: Any, most: int, *, exported: bool) -> None:
    """Let a C3N name up to `most` sounding objects at once.

    Raises:
        ValueError: fewer than 1, or more than 1 for an exported model or a network that names one only.
    """
    if most < 1:
        raise ValueError(f"max_sources must be at least 1, got {most}")
    if most > 1 and (exported or not hasattr(network, "max_sources")):
        raise ValueError(
            f"max_sources is {most}, but this model names one sounding object at a time; use a C3N in PyTorch, or 1"
        )
    if hasattr(network, "max_sources"):
        network.max_sources = most


def name_each(
    objects: tuple[SoundingObject, ...], numbers: np.ndarray, further: FurtherPairs, best: str, labels: tuple[str, ...]
) -> tuple[SoundingObject, ...]:
    """Return the objects with the label of the pair whose object they look most like.

    Args:
        numbers: (H, W), 1 + the index of the object of each pixel; further: of this frame, see `FurtherPairs.maps`; best: the label of
        the best pair; labels: of the visual classes.
    """
    ranks = [rank for rank, present in enumerate(further.present.tolist(), start=1) if present]
    if not ranks:
        return objects
    classes = further.consensus.visual_class.tolist()
    names = [best, *(labels[classes[rank - 1]] for rank in ranks)]
    height, width = numbers.shape
    maps = [cv2.resize(further.maps[rank].cpu().numpy(), (width, height)) for rank in (0, *ranks)]
    named = []
    for index, found in enumerate(objects, start=1):
        likeness = [float(plane[numbers == index].mean()) for plane in maps]
        named.append(replace(found, label=names[int(np.argmax(likeness))]))
    return tuple(named)
