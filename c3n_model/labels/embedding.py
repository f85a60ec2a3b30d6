"""Label embeddings (Eqs. 3 and 4) from a file of word vectors, for machines where spaCy's model is not at hand."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import numpy as np


class WordVectors:
    """Vectors by lower-case text, from an npz file: `words` (n,) and `vectors` (n, d'), and any `<name>_labels` or
    `<name>_names` array of whole labels beside its `<name>_vectors`.

    Raises:
        ValueError: not an npz of that form. FileNotFoundError: no such file.
    """

    def __init__(self, path: Path):
        try:
            tables = np.load(path, allow_pickle=False)
            self.vectors = dict(zip((str(word).lower() for word in tables["words"]), tables["vectors"], strict=True))
            for key in tables.files:
                stem, _, what = key.rpartition("_")
                if what in ("labels", "names") and f"{stem}_vectors" in tables.files:
                    labels = (str(text).lower() for text in tables[key])
                    self.vectors |= dict(zip(labels, tables[f"{stem}_vectors"], strict=True))
        except (KeyError, ValueError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"{path} holds no word vectors ({error}); expected an npz with words (n,) and vectors (n, d)"
            ) from error
        self.dimension = tables["vectors"].shape[1]

    def embed(self, label: str) -> np.ndarray:
        """The vector of a label, float32 (d',), zeros if no word of it is known.

        Tried in turn: the label as a whole; the mean over a synonym's words, first synonym first; the
        last word of any synonym ("grand piano": piano), its head noun.
        """
        synonyms = [re.sub(r"\(.*?\)", "", part).strip().lower() for part in label.split(",")]
        for text in (label.lower(), *synonyms):
            if text in self.vectors:
                return self.vectors[text].astype(np.float32)
        for synonym in synonyms:
            words = re.findall(r"[a-z]+", synonym)
            if words and all(word in self.vectors for word in words):
                return np.mean([self.vectors[word] for word in words], axis=0, dtype=np.float32)
        for synonym in synonyms:
            head = (re.findall(r"[a-z]+", synonym) or [""])[-1]
            if head in self.vectors:
                return self.vectors[head].astype(np.float32)
        return np.zeros(self.dimension, np.float32)
