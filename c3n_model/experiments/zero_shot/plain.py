"""The label table of plain C3IM: cosines of word vectors where there are any, else our table of sound sources."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from c3n_model.labels.names import imagenet_names
from c3n_model.labels.sound_sources import imagenet_nouns, source_similarity
from c3n_model.labels.table import LabelTable, build_table, matrix_sha256
from c3n_model.labels.vectors import open_vectors


def plain_table(sounds: Sequence[str], folders: Sequence[Path]) -> tuple[LabelTable, str]:
    """AudioSet's `sounds` against ImageNet's 1000 labels, by the first `words/*.npz` in `folders`; and what it was made of.

    Raises:
        ValueError: word vectors that cannot be read.
    """
    files = [path for folder in folders for path in sorted(folder.glob("words/*.npz"))]
    if files:
        table = build_table(sounds, imagenet_names(), open_vectors(files[0]), cleaning="whole")
        return table, f"cosines of the word vectors in words/{files[0].name}"
    return source_table(sounds), "the table of sound sources, as there are no word vectors in words/*.npz"


def source_table(sounds: Sequence[str]) -> LabelTable:
    """`source_similarity` of ImageNet's 1000 classes, each as alike to a sound as that noun of its own that is most so."""
    nouns = imagenet_nouns()
    by_noun = source_similarity(tuple(sounds), tuple(nouns))
    similarity = np.zeros((len(sounds), len(imagenet_names())), np.float32)
    for column, classes in enumerate(nouns.values()):
        indices = list(classes)
        similarity[:, indices] = np.maximum(similarity[:, indices], by_noun[:, column, None])
    tensor = torch.from_numpy(similarity)
    provenance = {"vectors": "none: the table of sound sources", "matrix_sha256": matrix_sha256(tensor)}
    return LabelTable(tensor, tuple(sounds), tuple(imagenet_names()), provenance)
