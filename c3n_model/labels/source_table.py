"""The label table of the sound sources: Eq. 5 from a table of which object makes which sound, for any visual labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from c3n_model.labels.names import imagenet_names
from c3n_model.labels.similarity_table import LabelTable, matrix_sha256
from c3n_model.labels.sound_sources import KINDS, imagenet_nouns, noun_of, source_similarity

SOURCES = "sources"  # the name of this table in settings and commands
PERSON = "person"


def build_source_table(audio_labels: Sequence[str], visual_labels: Sequence[str], *, command: str = "") -> LabelTable:
    """Build the table of AudioSet's classes and visual labels: ImageNet's names, nouns, or names of other data sets.

    A label is as similar to a sound as the best of its nouns: the Irish terrier of ImageNet is a dog, and so is "dog". ImageNet
    has no person; only without a label "person" do its clothes stand in for people.

    Raises:
        ValueError: no labels, or none of the visual ones makes a sound.
    """
    if not audio_labels or not visual_labels:
        raise ValueError(f"expected audio and visual labels, got {len(audio_labels)} and {len(visual_labels)}")
    nouns_of = visual_nouns(visual_labels)
    nouns = sorted(set().union(*nouns_of))
    each = source_similarity(list(audio_labels), nouns)
    column = {noun: index for index, noun in enumerate(nouns)}
    similarity = np.zeros((len(audio_labels), len(visual_labels)), np.float32)
    for index, own in enumerate(nouns_of):
        if own:
            similarity[:, index] = each[:, [column[noun] for noun in sorted(own)]].max(axis=1)
    if not similarity.any():
        raise ValueError(
            "none of the visual labels makes a sound that is known; use ImageNet's names or everyday nouns"
        )
    table = torch.from_numpy(similarity)
    excluded = {
        "audio": [label for label, row in zip(audio_labels, similarity) if not row.any()],
        "visual": [label for label, column in zip(visual_labels, similarity.T) if not column.any()],
    }
    provenance = {"vectors": SOURCES, "excluded": excluded, "matrix_sha256": matrix_sha256(table), "command": command}
    return LabelTable(table, tuple(audio_labels), tuple(visual_labels), provenance)


def visual_nouns(labels: Sequence[str]) -> list[frozenset[str]]:
    """Return the nouns of each label: for ImageNet's names those that contain the class, for others the noun itself.

    If the labels begin with ImageNet's, these are told by their places: two of its classes are called "crane".
    """
    imagenet = imagenet_names()
    by_place = list(labels[: len(imagenet)]) == imagenet
    containing: dict[int, set[str]] = {}
    for noun, classes in imagenet_nouns().items():
        if noun not in KINDS and not (noun == PERSON and PERSON in labels):
            for index in classes:
                containing.setdefault(index, set()).add(noun)
    places: dict[str, list[int]] = {}
    for index, name in enumerate(imagenet):
        places.setdefault(name, []).append(index)
    found = []
    for number, label in enumerate(labels):
        classes = [number] if by_place and number < len(imagenet) else places.get(label, [])
        own = set().union(*(containing.get(index, set()) for index in classes)) if classes else {noun_of(label)}
        found.append(frozenset(own))
    return found
