"""The same word vectors in every form that `open_vectors` reads, written without it."""

import gzip

import numpy as np


def write_npz(path, vectors):
    np.savez(path, words=np.array(list(vectors)), vectors=np.array(list(vectors.values()), np.float32))
    return path


def write_text(path, vectors, header=True):
    lines = [" ".join([word, *(repr(float(value)) for value in row)]) for word, row in vectors.items()]
    if header:
        lines.insert(0, f"{len(vectors)} {len(next(iter(vectors.values())))}")
    text = "".join(line + "\n" for line in lines).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def write_word2vec(path, vectors, after=b"\n"):
    """`after` is what follows each vector: Google's tool writes a newline, gensim nothing."""
    body = [word.encode() + b" " + row.astype("<f4").tobytes() + after for word, row in vectors.items()]
    content = f"{len(vectors)} {len(next(iter(vectors.values())))}\n".encode() + b"".join(body)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def write_spacy(path, vectors):
    """A folder as spaCy saves a model: English words, and nothing but vectors."""
    import spacy  # which takes a second that most processes of tests do not need

    model = spacy.blank("en")
    model.meta["name"], model.meta["version"] = "little_vectors", "1.2.3"
    model.vocab.reset_vectors(width=len(next(iter(vectors.values()), [0])))
    for word, row in vectors.items():
        model.vocab.set_vector(word, row.astype(np.float32))
    model.to_disk(path)
    return path
