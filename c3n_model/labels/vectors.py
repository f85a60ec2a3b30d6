"""Word vectors from spaCy models and the usual file formats.

Only the requested words of a file are kept, so that the gigabytes of word2vec and GloVe fit in the memory of a small machine.
Nothing is unpickled.
"""

from __future__ import annotations

import codecs
import gzip
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from c3n_model.environment import install_command
from c3n_model.files.signatures import refuse_stand_in
from c3n_model.messages.limits import MAX_ARRAY_BYTES, MAX_VECTOR_DIMENSION, MAX_VECTOR_LINE_BYTES, LimitError
from c3n_model.weights import manifest

TEXT_SUFFIXES = (".txt", ".vec", ".glove")
_TOKEN = re.compile(r"(?:[^\W_]\.){2,}|'s\b|[^\W_]+(?:'(?!s\b)[^\W_]+)*|[^\w\s]")


@dataclass(frozen=True)
class VectorSource:
    """A source of word vectors.

    `about` describes the source for a table's provenance; `tokens` splits a text into words and punctuation; `read` returns
    the vectors, float32 (d',), of those requested words that have one.
    """

    about: dict
    tokens: Callable[[str], list[str]]
    read: Callable[[set[str]], dict[str, np.ndarray]]


def open_vectors(source: str | Path) -> VectorSource:
    """Open the word vectors at `source`.

    | source | format |
    |---|---|
    | .npz | arrays `words` (n,) and `vectors` (n, d'), and any `<name>_labels` or `<name>_names` beside its `<name>_vectors` |
    | .txt, .vec, .glove, also .gz | the text form of word2vec, fastText (with a line "count dimension") and GloVe (without) |
    | .bin, .bin.gz | the binary form of word2vec |
    | a folder, or any other name | a spaCy model |

    Raises:
        FileNotFoundError: no such file or spaCy model. ValueError: the source has no word vectors, or spaCy is not installed.
    """
    path = Path(source)
    suffix = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    if path.is_dir():
        return _open_spacy(str(source))
    if not path.is_file():
        if "/" in str(source) or path.suffix:
            raise FileNotFoundError(f"no such word vector file or spaCy model folder: {path}")
        return _open_spacy(str(source))
    refuse_stand_in(path)
    readers = {".npz": _read_npz, ".bin": _read_word2vec} | dict.fromkeys(TEXT_SUFFIXES, _read_text)
    if suffix not in readers:
        raise ValueError(f"expected word vectors as one of {', '.join(readers)}, got {path}")
    about = {"vectors": path.name, "vectors_sha256": manifest.checksum_of(path)}
    return VectorSource(about, split_tokens, lambda words: readers[suffix](path, words))


def split_tokens(text: str) -> list[str]:
    """Split into words and punctuation as spaCy's English tokenizer does for class names (bird|'s, but "R.V.")."""
    return _TOKEN.findall(text)


def _open_spacy(name: str) -> VectorSource:
    try:
        import spacy
    except ImportError as error:
        raise ValueError(
            f"spaCy, which reads the model {name!r}, is not installed: {install_command('labels')}, "
            "or pass a file of word vectors"
        ) from error
    try:
        model = spacy.load(
            name, exclude=["tok2vec", "tagger", "parser", "senter", "attribute_ruler", "lemmatizer", "ner"]
        )
    except OSError as error:
        if Path(name).is_dir():
            raise ValueError(f"{name} is not a spaCy model: {str(error).splitlines()[0]}") from error
        command = f"download it with c3n weights get {name}, or " if name in manifest.read_manifest() else ""
        raise FileNotFoundError(
            f"no such spaCy model: {name!r}; {command}get its wheel from github.com/explosion/spacy-models/releases and "
            "pip install it; or pass a folder with a model, or a file of word vectors"
        ) from error
    vocabulary = model.vocab
    if vocabulary.vectors.size == 0:
        raise ValueError(f"the spaCy model {name!r} has no word vectors; use a model of size md or lg")
    about = {
        "vectors": f"{model.meta['lang']}_{model.meta['name']}",
        "vectors_version": model.meta["version"],
        "spacy_version": spacy.__version__,
    }
    table = model.path / "vocab" / "vectors"
    if table.is_file():
        about["vectors_sha256"] = manifest.checksum_of(table)

    def tokens(text: str) -> list[str]:
        return [token.text for token in model.make_doc(text) if not token.is_space]

    def read(words: set[str]) -> dict[str, np.ndarray]:
        return {word: vocabulary.get_vector(word) for word in words if vocabulary.has_vector(word)}

    return VectorSource(about, tokens, read)


def _read_npz(path: Path, words: set[str]) -> dict[str, np.ndarray]:
    """Read words, and whole labels if the file has some; all in lower case."""
    vectors: dict[str, np.ndarray] = {}
    try:
        if zipfile.is_zipfile(path):
            _check_archive(path)
        tables = np.load(path, allow_pickle=False)
        if not isinstance(tables, np.lib.npyio.NpzFile):
            raise ValueError("a single array, .npy")
        for key in ["words", *(name for name in tables.files if name.endswith(("_labels", "_names")))]:
            table = "vectors" if key == "words" else f"{key.rpartition('_')[0]}_vectors"
            if key == "words" or table in tables.files:
                vectors |= _rows_by_text(tables[key], tables[table])
    except (KeyError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"{path} contains no word vectors ({error}); expected an npz with words (n,) and vectors (n, d)"
        ) from error
    return {word: _finite(path, word, vectors[word]) for word in words if word in vectors}


def _check_archive(path: Path) -> None:
    """Raise LimitError if an array in the npz is larger than any vocabulary."""
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.file_size > MAX_ARRAY_BYTES:
                raise LimitError(
                    f"expected at most {MAX_ARRAY_BYTES} bytes in {member.filename}, got {member.file_size}"
                )


def _rows_by_text(texts: np.ndarray, table: np.ndarray) -> dict[str, np.ndarray]:
    if texts.ndim != 1 or table.ndim != 2 or len(texts) != len(table):
        raise ValueError(f"texts {texts.shape} do not fit vectors {table.shape}")
    return {str(text).lower(): row for text, row in zip(texts, table.astype(np.float32), strict=True)}


def _read_text(path: Path, words: set[str]) -> dict[str, np.ndarray]:
    """Read lines of a word and its values, counted from the right because some words of GloVe contain spaces."""
    vectors = {}
    with _open(path) as file:
        lines = ((number, line.decode("utf-8", "replace").rstrip()) for number, line in _lines(path, file))
        number, first = next(lines, (0, ""))
        header = re.fullmatch(r"(\d+) (\d+)", first)
        expected, dimension = (int(header[1]), int(header[2])) if header else (None, first.count(" "))
        if dimension == 0:
            raise ValueError(f"{path} contains no word vectors: its first line is {first[:40]!r}")
        _check_dimension(path, dimension)
        if not header:
            _parse_line(path, number, first, dimension, words, vectors)
        for number, line in lines:
            _parse_line(path, number, line, dimension, words, vectors)
    if expected is not None and number - 1 < expected:
        raise ValueError(f"{path} is truncated: expected {expected} words, got {number - 1}")
    return vectors


def _lines(path: Path, file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield the number and content of each line, without a byte order mark before the first."""
    number = 0
    while line := file.readline(MAX_VECTOR_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_VECTOR_LINE_BYTES:
            raise LimitError(
                f"line {number} of {path} has more than {MAX_VECTOR_LINE_BYTES} bytes: it contains no word vectors"
            )
        yield number, line.removeprefix(codecs.BOM_UTF8) if number == 1 else line


def _check_dimension(path: Path, dimension: int) -> None:
    if dimension > MAX_VECTOR_DIMENSION:
        raise LimitError(f"expected vectors of at most {MAX_VECTOR_DIMENSION} numbers in {path}, got {dimension}")


def _finite(path: Path, word: str, vector: np.ndarray) -> np.ndarray:
    """Return `vector`. Raises ValueError for NaN and infinity, which would spread to every mean."""
    if not np.isfinite(vector).all():
        raise ValueError(f"{path}: the vector of {word!r} contains NaN or infinite numbers; download the file again")
    return vector


def _parse_line(
    path: Path, number: int, line: str, dimension: int, words: set[str], vectors: dict[str, np.ndarray]
) -> None:
    word, *values = line.rsplit(" ", dimension)
    if len(values) != dimension:
        raise ValueError(f"line {number} of {path}: expected {dimension} numbers, got {len(values)}")
    if word in words and word not in vectors:
        try:
            vector = np.array(values, np.float32)
        except ValueError as error:
            raise ValueError(f"line {number} of {path}: expected {dimension} numbers ({error})") from error
        vectors[word] = _finite(path, word, vector)


def _read_word2vec(path: Path, words: set[str]) -> dict[str, np.ndarray]:
    """Read a line "count dimension", then for each word its text, a space and little-endian float32 values."""
    vectors = {}
    with _open(path) as file:
        header = re.fullmatch(rb"(\d+) (\d+)\s*", file.readline(64).removeprefix(codecs.BOM_UTF8))
        if not header:
            raise ValueError(
                f"{path} is not in word2vec's binary format: expected a first line with count and dimension"
            )
        _check_dimension(path, int(header[2]))
        count, size = int(header[1]), 4 * int(header[2])
        for number in range(count):
            letters = bytearray()
            while (letter := file.read(1)) not in (b" ", b"") and len(letters) < MAX_VECTOR_LINE_BYTES:
                letters += letter
            numbers = file.read(size)
            if len(numbers) < size:
                raise ValueError(f"{path} is truncated: expected {count} words, got {number}")
            word = letters.decode("utf-8", "replace").lstrip("\n")
            if word in words and word not in vectors:
                vectors[word] = _finite(path, word, np.frombuffer(numbers, "<f4").astype(np.float32))
    return vectors


@contextmanager
def _open(path: Path) -> Iterator[BinaryIO]:
    """Open a file, decompressed if its name ends in .gz. Raises ValueError for a damaged gzip file."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield file
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path} is truncated or not a gzip file: {error}") from error
