"""Several sounding objects in one second: each source's part of the mask, and which of the named classes each object is."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from c3n_model.model import Model
from c3n_model.network.decoding import Decoding
from c3n_model.network.several import FurtherPairs
from c3n_model.preprocess import resize_mask
from c3n_model.streaming.labelling import unified_label
from c3n_model.streaming.objects import objects_of
from c3n_model.types import SoundingObject, UnifiedLabel


def allow_sources(network: Any, most: int, *, exported: bool) -> Any:
    """Return a network that names up to `most` sounding objects at once: the same, or a copy that shares its weights.

    Raises:
        ValueError: fewer than 1, or more than 1 for an exported model or a network that names one only.
    """
    if most < 1:
        raise ValueError(f"max_sources must be at least 1, got {most}")
    if most > 1 and (exported or not hasattr(network, "max_sources")):
        raise ValueError(
            f"max_sources is {most}, but this model names one sounding object at a time; use zero_shot, a C3N in PyTorch, or 1"
        )
    if most == getattr(network, "max_sources", 1):
        return network
    network = copy.copy(network)
    network.max_sources = most
    return network


class SourcePicture:
    """The masks of several sources in one image, joined: a pixel belongs to the first one that has it.

    `mask` bool (H, W); `confidence` uint8 (H, W), 255 = certain.
    """

    def __init__(self, shape: tuple[int, int], threshold: float):
        """`shape`: of the image; `threshold`: probability above which a pixel is in a mask."""
        self._threshold = threshold
        self.mask, self.confidence = np.zeros(shape, bool), np.zeros(shape, np.uint8)
        self._parts: list[tuple[tuple[SoundingObject, ...], np.ndarray]] = []

    def add(
        self, probability: np.ndarray, label: UnifiedLabel, owner: np.ndarray | None, scores: np.ndarray | None
    ) -> None:
        """Add a source: its probability float32 of any size in [0, 1]; `owner` and `scores`, of any size, see `objects_of`."""
        height, width = self.mask.shape
        probability = cv2.resize(probability, (width, height), interpolation=cv2.INTER_LINEAR)
        own = (probability > self._threshold) & ~self.mask
        owner = None if owner is None else resize_mask(owner, self.mask.shape)
        objects, numbers = objects_of(own, probability, label.visual, owner, scores)
        self._parts.append((tuple(with_pair(found, label) for found in objects), numbers))
        self.mask |= own
        np.maximum(self.confidence, cv2.convertScaleAbs(probability, alpha=255), out=self.confidence)  # rounded

    def objects(self) -> tuple[tuple[SoundingObject, ...], np.ndarray]:
        """Return the objects of all sources, largest first, and uint16 (H, W): 1 + the index of the object of each pixel, 0 for
        none."""
        if len(self._parts) == 1:
            return self._parts[0]
        found = [
            (one, part, number)
            for part, (objects, _) in enumerate(self._parts)
            for number, one in enumerate(objects, 1)
        ]
        found.sort(key=lambda entry: -entry[0].area)
        numbers = np.zeros(self.mask.shape, np.uint16)
        for index, (_, part, number) in enumerate(found, start=1):
            numbers[self._parts[part][1] == number] = index
        return tuple(one for one, _, _ in found), numbers


def instances_of(decoding: Decoding | None) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return `owner` and `scores` of the first frame's instances as NumPy arrays; None for a mask without instances."""
    instances = decoding.instances[0] if decoding is not None and decoding.instances is not None else None
    if instances is None:
        return None, None
    return instances.owner.cpu().numpy().astype(np.int16), instances.scores.cpu().numpy()


def with_pair(found: SoundingObject, label: UnifiedLabel) -> SoundingObject:
    """Return an object with this pair of classes."""
    return replace(
        found,
        label=label.visual,
        audio_label=label.audio,
        audio_score=label.audio_score,
        visual_score=label.visual_score,
        similarity=label.similarity,
        consensus=label.consensus,
    )


def name_each(
    objects: tuple[SoundingObject, ...], numbers: np.ndarray, further: FurtherPairs, best: UnifiedLabel, model: Model
) -> tuple[SoundingObject, ...]:
    """Return the objects of one mask with the pair whose object they look most like.

    Args:
        numbers: (H, W), 1 + the index of the object of each pixel; further: of this frame, see `FurtherPairs.maps`; best: the best
        pair.
    """
    ranks = [rank for rank, present in enumerate(further.present.tolist(), start=1) if present]
    if not ranks:
        return objects
    pairs = [best, *(unified_label(further.consensus, model, rank - 1) for rank in ranks)]
    height, width = numbers.shape
    maps = [cv2.resize(further.maps[rank].cpu().numpy(), (width, height)) for rank in (0, *ranks)]
    named = []
    for index, found in enumerate(objects, start=1):
        likeness = [float(plane[numbers == index].mean()) for plane in maps]
        named.append(with_pair(found, pairs[int(np.argmax(likeness))]))
    return tuple(named)
