"""A label table: the similarity of every audio label to every visual label (Eq. 5), and how it was made.

It is worked out once where word vectors are at hand; a robot loads the file and needs neither vectors nor spaCy.
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
    """`similarity` float32 (K_a, K_v), cosines in [-1, 1], of `audio_labels` and `visual_labels`.

    A label without a vector has zeros: it is in no pair. Labels of the same vector ("crane" and "crane") are equally
    alike to all; where that makes pairs equal, C3IM takes the one with the lowest indices.

    `provenance` says how the table was made; `matrix_sha256` in it must be that of `similarity`. See `build_table`.

    Raises:
        ValueError: the matrix does not fit the labels, is not finite, or is not the one its provenance names.
    """

    similarity: Tensor
    audio_labels: tuple[str, ...]
    visual_labels: tuple[str, ...]
    provenance: dict

    def __post_init__(self):
        expected, got = (len(self.audio_labels), len(self.visual_labels)), tuple(self.similarity.shape)
        if got != expected or self.similarity.dtype != torch.float32:
            raise ValueError(
                f"similarity is {self.similarity.dtype} {got}; its labels make it {torch.float32} {expected}"
            )
        if not torch.isfinite(self.similarity).all():
            raise ValueError("similarity holds numbers that are not finite; build the table again")
        if not isinstance(self.provenance, dict):
            raise ValueError(f"its provenance is a {type(self.provenance).__name__}; expected an object")
        known, actual = self.provenance.get("matrix_sha256"), matrix_sha256(self.similarity)
        if known != actual:
            raise ValueError(f"the matrix has sha256 {actual}, its provenance names {known}; it was changed")

    def save(self, path: Path) -> None:
        """Write one safetensors file; it appears complete or not at all."""
        about = {
            "audio_labels": self.audio_labels,
            "visual_labels": self.visual_labels,
            "provenance": self.provenance,
        }
        save_tensors(path, {"similarity": self.similarity}, {METADATA_KEY: about})

    @staticmethod
    def load(path: Path) -> LabelTable:
        """The table in a file that `save` wrote.

        Raises:
            FileNotFoundError: no such file. ValueError: cut, of another kind, or the matrix is not what it was.
        """
        if not path.is_file():
            raise FileNotFoundError(f"no such label table: {path}; make one with c3n labels build")
        about, tensors = read_described(path, METADATA_KEY, "label table")
        try:
            labels = (tuple(about[key]) for key in ("audio_labels", "visual_labels"))
            return LabelTable(tensors["similarity"], *labels, about["provenance"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} is no usable label table: {error}; make one with c3n labels build") from error


def matrix_sha256(similarity: Tensor) -> str:
    """Hash of the numbers, row by row as little-endian float32."""
    return hashlib.sha256(similarity.numpy(force=True).astype("<f4").tobytes()).hexdigest()


def build_table(
    audio_labels: Sequence[str],
    visual_labels: Sequence[str],
    vectors: VectorSource,
    *,
    cleaning: str,
    command: str = "",
) -> LabelTable:
    """Eqs. 3-5 for any two lists of labels.

    A phrase is the mean of its tokens' vectors, those without one counting as zero (as in spaCy's Doc.vector). A token
    is looked up as written, then in lower case. A phrase that the source holds as a whole is taken as it stands there.
    Where the rule's phrases have no vector, the label as it is is tried.

    Provenance: the source's own `about`, `dimension`, `cleaning`, `excluded` (labels without a vector, by modality),
    `matrix_sha256`, `command`.

    Args:
        cleaning: one of `cleaning.RULES`; command: the command line that asked for it.
    Raises:
        ValueError: an unknown rule, no labels, or no two labels that are alike.
    """
    if cleaning not in RULES:
        raise ValueError(f"cleaning is {cleaning!r}; expected one of {', '.join(RULES)}")
    modalities = {"audio": tuple(audio_labels), "visual": tuple(visual_labels)}
    if not all(modalities.values()):
        raise ValueError("a table needs audio labels and visual labels, got none of one of them")
    phrases = {label: RULES[cleaning](label) for labels in modalities.values() for label in labels}
    embeddings = _embed_labels(phrases, vectors)
    similarity = _closest(*([embeddings[label] for label in labels] for labels in modalities.values()))
    if not (similarity > 0).any():
        raise ValueError("no audio label is like any visual label; no consensus could be inferred from such a table")
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
    """For each label with its phrases: the vectors float64 (d',) of those that have one, of the label as it is where none
    has, and zeros where that has none, either. Raises ValueError if the source knows no word of any."""
    tokens = {text: vectors.tokens(text) for label, parts in phrases.items() for text in (label, *parts)}
    written = {*tokens, *(token for parts in tokens.values() for token in parts)}
    known = vectors.read(written | {text.lower() for text in written})
    if not known:
        raise ValueError(f"{vectors.about['vectors']} has a vector for none of the labels' words; are they English?")
    no_vector = [np.zeros(len(next(iter(known.values()))))]
    return {
        label: _embed(parts, tokens, known) or _embed((label,), tokens, known) or no_vector
        for label, parts in phrases.items()
    }


def _embed(phrases: tuple[str, ...], tokens: dict[str, list[str]], known: dict[str, np.ndarray]) -> list[np.ndarray]:
    """The vectors float64 (d',) of those phrases that have one."""
    zero = np.zeros_like(next(iter(known.values())))

    def look_up(text: str) -> np.ndarray | None:
        return known.get(text, known.get(text.lower()))

    vectors = []
    for phrase in phrases:
        whole = look_up(phrase)
        parts = [look_up(token) for token in tokens[phrase]] if whole is None else [whole]
        vectors.append(np.mean([zero if part is None else part for part in parts] or [zero], axis=0, dtype=np.float64))
    return [vector for vector in vectors if vector.any()]


def _closest(audio: list[list[np.ndarray]], visual: list[list[np.ndarray]]) -> Tensor:
    """The highest cosine over the phrases of each pair of labels, given their vectors: float32 (K_a, K_v)."""
    audio_rows, visual_rows = (torch.from_numpy(np.array(sum(lists, []))) for lists in (audio, visual))
    cosine = label_similarity(audio_rows, visual_rows)
    by_audio = torch.stack([rows.amax(dim=0) for rows in cosine.split([len(rows) for rows in audio])])
    by_both = [columns.amax(dim=1) for columns in by_audio.split([len(rows) for rows in visual], dim=1)]
    return torch.stack(by_both, dim=1).float()
