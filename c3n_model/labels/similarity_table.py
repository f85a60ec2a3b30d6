"""Label tables: the similarity of every audio label to every visual label (Eq. 5), with its provenance.

A table is built once on a machine with word vectors; a robot loads the file and needs neither vectors nor spaCy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from c3n_model.labels.cleaning import RULES
from c3n_model.labels.vectors import VectorSource
from c3n_model.network.consensus import label_similarity
from c3n_model.weights.tensors import read_described, save_tensors

METADATA_KEY = "c3n_label_table"


@dataclass(frozen=True)
class LabelTable:
    """Cosines in [-1, 1] of `audio_labels` and `visual_labels`: `similarity` float32 (K_a, K_v).

    A label without a vector has only zeros and never forms a pair. Labels with the same vector ("crane" and "crane") have
    equal similarities; C3IM breaks such ties by the lowest index.

    `provenance` describes how the table was built; its `matrix_sha256` must be that of `similarity`. See `build_table`.

    Raises:
        ValueError: the matrix does not fit the labels, is not finite, or does not match its provenance.
    """

    similarity: Tensor
    audio_labels: tuple[str, ...]
    visual_labels: tuple[str, ...]
    provenance: dict

    def __post_init__(self):
        expected, got = (len(self.audio_labels), len(self.visual_labels)), tuple(self.similarity.shape)
        if got != expected or self.similarity.dtype != torch.float32:
            raise ValueError(
                f"expected similarity {torch.float32} {expected} for its labels, got {self.similarity.dtype} {got}"
            )
        if not torch.isfinite(self.similarity).all():
            raise ValueError("similarity contains values that are not finite; build the table again")
        if not isinstance(self.provenance, dict):
            raise ValueError(f"expected a JSON object as provenance, got a {type(self.provenance).__name__}")
        expected_sha256, sha256 = self.provenance.get("matrix_sha256"), matrix_sha256(self.similarity)
        if sha256 != expected_sha256:
            raise ValueError(
                f"expected a matrix with sha256 {expected_sha256} (its provenance), got {sha256}; it was modified"
            )

    def save(self, path: Path) -> None:
        """Write one safetensors file atomically."""
        description = {
            "audio_labels": self.audio_labels,
            "visual_labels": self.visual_labels,
            "provenance": self.provenance,
        }
        save_tensors(path, {"similarity": self.similarity}, {METADATA_KEY: description})

    @staticmethod
    def load(path: Path) -> LabelTable:
        """Load a table written by `save`.

        Raises:
            FileNotFoundError: no such file. ValueError: truncated, of another kind, or modified.
        """
        if not path.is_file():
            raise FileNotFoundError(f"no such label table: {path}; build one with c3n labels build")
        description, tensors = read_described(path, METADATA_KEY, "label table")
        try:
            labels = (tuple(description[key]) for key in ("audio_labels", "visual_labels"))
            return LabelTable(tensors["similarity"], *labels, description["provenance"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"invalid label table {path}: {error}; build one with c3n labels build") from error


def matrix_sha256(similarity: Tensor) -> str:
    """Hash the values, row by row as little-endian float32."""
    return hashlib.sha256(similarity.numpy(force=True).astype("<f4").tobytes()).hexdigest()


def build_table(
    audio_labels: Sequence[str],
    visual_labels: Sequence[str],
    vectors: VectorSource,
    *,
    cleaning: str,
    command: str = "",
) -> LabelTable:
    """Build a table for any two lists of labels (Eqs. 3-5).

    The vector of a phrase is the mean over its tokens, where a token without a vector counts as zero (as in spaCy's
    Doc.vector). A token is looked up as written, then in lower case. If the source has a vector for the whole phrase, that
    one is used. If none of the rule's phrases has a vector, the unchanged label is tried.

    Provenance: the source's own `about`, `dimension`, `cleaning`, `excluded` (labels without a vector, by modality),
    `matrix_sha256`, `command`.

    Args:
        cleaning: one of `cleaning.RULES`; command: the command line that built the table.
    Raises:
        ValueError: an unknown rule, no labels, or no similar labels.
    """
    if cleaning not in RULES:
        raise ValueError(f"expected cleaning to be one of {', '.join(RULES)}, got {cleaning!r}")
    modalities = {"audio": tuple(audio_labels), "visual": tuple(visual_labels)}
    if not all(modalities.values()):
        raise ValueError(f"expected audio and visual labels, got {len(audio_labels)} and {len(visual_labels)}")
    phrases = {label: RULES[cleaning](label) for labels in modalities.values() for label in labels}
    embeddings = _embed_labels(phrases, vectors)
    similarity = _closest(*([embeddings[label] for label in labels] for labels in modalities.values()))
    if not (similarity > 0).any():
        raise ValueError(
            "no audio label is similar to a visual label, so no consensus could be inferred; use other labels or word vectors"
        )
    excluded = {
        modality: [label for label in labels if not np.any(embeddings[label])]
        for modality, labels in modalities.items()
    }
    provenance = vectors.about | {
        "dimension": len(embeddings[modalities["audio"][0]][0]),
        "cleaning": cleaning,
        "excluded": excluded,
        "matrix_sha256": matrix_sha256(similarity),
        "command": command,
    }
    return LabelTable(similarity, *modalities.values(), provenance)


def _embed_labels(phrases: dict[str, tuple[str, ...]], vectors: VectorSource) -> dict[str, list[np.ndarray]]:
    """Embed the phrases of each label as vectors float64 (d',).

    Phrases without a vector are omitted; if no phrase has one, the unchanged label is embedded; if it has none either, the
    result is one vector of zeros. Raises ValueError if the source has no vector for any word.
    """
    tokens = {text: vectors.tokens(text) for label, texts in phrases.items() for text in (label, *texts)}
    written = {*tokens, *(token for split in tokens.values() for token in split)}
    known = vectors.read(written | {text.lower() for text in written})
    if not known:
        raise ValueError(
            f"{vectors.about['vectors']} has no vector for any word of the labels; use vectors of their language"
        )
    no_vector = [np.zeros(len(next(iter(known.values()))))]
    return {
        label: _embed(texts, tokens, known) or _embed((label,), tokens, known) or no_vector
        for label, texts in phrases.items()
    }


def _embed(phrases: tuple[str, ...], tokens: dict[str, list[str]], known: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Return the vectors float64 (d',) of the phrases that have one."""
    zero = np.zeros_like(next(iter(known.values())))

    def look_up(text: str) -> np.ndarray | None:
        return known.get(text, known.get(text.lower()))

    vectors = []
    for phrase in phrases:
        whole = look_up(phrase)
        found = [look_up(token) for token in tokens[phrase]] if whole is None else [whole]
        rows = [zero if vector is None else vector for vector in found] or [zero]
        vectors.append(np.mean(rows, axis=0, dtype=np.float64))
    return [vector for vector in vectors if vector.any()]


def _closest(audio: list[list[np.ndarray]], visual: list[list[np.ndarray]]) -> Tensor:
    """Return the highest cosine over the phrases of each pair of labels, given their vectors: float32 (K_a, K_v)."""
    audio_rows, visual_rows = (torch.from_numpy(np.array(sum(lists, []))) for lists in (audio, visual))
    cosine = label_similarity(audio_rows, visual_rows)
    by_audio = torch.stack([rows.amax(dim=0) for rows in cosine.split([len(rows) for rows in audio])])
    by_both = [columns.amax(dim=1) for columns in by_audio.split([len(rows) for rows in visual], dim=1)]
    return torch.stack(by_both, dim=1).float()
