"""All formats of word vectors, read from independently written files."""

import gzip

import numpy as np
import pytest
import spacy
from word_files import write_npz, write_spacy, write_text, write_word2vec

from c3n_model.labels.names import imagenet_names, read_labels
from c3n_model.labels.vectors import open_vectors, split_tokens

VECTORS = {
    "dog": np.array([0.25, -1.5, 3e-7], np.float32),
    "café": np.array([1, 2, 3], np.float32),
    ",": np.array([0.1, 0.2, 0.3], np.float32),
}
FORMS = {
    "npz": lambda folder: write_npz(folder / "words.npz", VECTORS),
    "word2vec text": lambda folder: write_text(folder / "words.vec", VECTORS),
    "glove text": lambda folder: write_text(folder / "words.txt", VECTORS, header=False),
    "zipped text": lambda folder: write_text(folder / "words.txt.gz", VECTORS),
    "word2vec binary": lambda folder: write_word2vec(folder / "words.bin", VECTORS),
    "zipped binary": lambda folder: write_word2vec(folder / "words.bin.gz", VECTORS),
    "gensim binary": lambda folder: write_word2vec(folder / "words.bin", VECTORS, after=b""),
    "spacy folder": lambda folder: write_spacy(folder / "model", VECTORS),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_vectors(tmp_path, form):
    source = open_vectors(FORMS[form](tmp_path))
    found = source.read({"dog", "café", ",", "unicorn"})
    assert found.keys() == VECTORS.keys()
    for word, vector in VECTORS.items():
        assert np.array_equal(found[word], vector), word
        assert found[word].dtype == np.float32
    assert source.read({"unicorn"}) == {}
    assert source.tokens("dog, café") == ["dog", ",", "café"]
    assert source.about["vectors"]
    assert len(source.about["vectors_sha256"]) == 64


@pytest.mark.parametrize("header", [True, False])
def test_a_byte_order_mark_is_not_part_of_the_first_word(tmp_path, header):
    path = write_text(tmp_path / "words.txt", VECTORS, header=header)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert open_vectors(path).read(set(VECTORS)).keys() == VECTORS.keys()


def test_an_archive_with_a_too_large_size_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("c3n_model.labels.vectors.MAX_ARRAY_BYTES", 2**20)
    np.savez_compressed(tmp_path / "a.npz", words=np.array(["dog"]), vectors=np.zeros((1, 2**19), np.float32))
    with pytest.raises(ValueError, match="at most 1048576 bytes in vectors.npy"):
        open_vectors(tmp_path / "a.npz").read({"dog"})


@pytest.mark.realdata
def test_the_case_with_a_byte_order_mark(cases):
    found = open_vectors(cases / "vectors_bom.txt").read({"speech"})
    assert found["speech"].shape == (50,)


def test_spacy_folder_names_its_model(tmp_path):
    about = open_vectors(write_spacy(tmp_path / "model", VECTORS)).about
    assert (about["vectors"], about["vectors_version"]) == ("en_little_vectors", "1.2.3")
    assert about["spacy_version"] == spacy.__version__


def test_words_with_blanks_and_empty_requests(tmp_path):
    vectors = {". . .": np.ones(2, np.float32), "at name@domain.com": np.full(2, 2, np.float32)}
    source = open_vectors(write_text(tmp_path / "words.txt", {"a": np.zeros(2)} | vectors, header=False))
    assert source.read({". . ."})[". . ."].tolist() == [1, 1]
    assert source.read(set()) == {}


def test_tokens_are_spacys_for_imagenet():
    tokenizer = spacy.blank("en")
    differing = [
        name for name in imagenet_names() if split_tokens(name) != [token.text for token in tokenizer.make_doc(name)]
    ]
    assert differing == ["jack-o'-lantern"]  # spaCy: "o'-lantern" in one


@pytest.mark.realdata
def test_tokens_are_spacys_for_audioset(real_data):
    tokenizer = spacy.blank("en")
    for name in read_labels(real_data / "weights/class_labels_indices.csv"):
        assert split_tokens(name) == [token.text for token in tokenizer.make_doc(name)]


def cut(path, drop):
    path.write_bytes(path.read_bytes()[:-drop])
    return path


def write_bytes(path, content):
    path.write_bytes(content)
    return path


def write_array(path, array):
    with path.open("wb") as file:
        np.save(file, array)
    return path


def write_arrays(path, vectors):
    np.savez(path, words=["dog", "cat"], vectors=vectors)
    return path


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda f: f / "words.txt", FileNotFoundError, "no such word vector file"),
        (lambda f: f / "words", FileNotFoundError, "no such word vector file"),
        (lambda f: "words.kv", FileNotFoundError, "no such word vector file"),
        (lambda f: write_bytes(f / "words.pkl", b"x"), ValueError, r"\.npz.*\.bin.*\.txt.*got .*words\.pkl"),
        (lambda f: write_bytes(f / "words.txt", b""), ValueError, "words.txt is empty"),
        (lambda f: write_bytes(f / "words.txt", b"\n"), ValueError, "words.txt contains no word vectors: .*''"),
        (
            lambda f: write_bytes(f / "words.txt", b"dog 1 2\ncat 1\n"),
            ValueError,
            "line 2 .*expected 2 numbers, got 1",
        ),
        (lambda f: write_bytes(f / "words.txt", b"dog 1 x\n"), ValueError, "line 1 .*expected 2 numbers .*'x'"),
        (lambda f: write_bytes(f / "words.vec", b"3 2\ndog 1 2\n"), ValueError, "expected 3 words, got 1"),
        (lambda f: write_bytes(f / "words.bin", b"dog 1 2\n"), ValueError, "words.bin .*count and dimension"),
        (lambda f: cut(write_word2vec(f / "words.bin", VECTORS), 5), ValueError, "expected 3 words, got 2"),
        (lambda f: write_bytes(f / "words.vec.gz", b"dog 1 2"), ValueError, "not a gzip file"),
        (lambda f: cut(write_text(f / "words.vec.gz", VECTORS), 12), ValueError, "not a gzip file"),
        (lambda f: cut(write_word2vec(f / "words.bin.gz", VECTORS), 12), ValueError, "not a gzip file"),
        (lambda f: write_bytes(f / "words.npz", gzip.compress(b"x")), ValueError, "words.npz contains no word vectors"),
        (lambda f: write_bytes(f / "words.npz", b""), ValueError, "words.npz is empty"),
        (lambda f: write_text(f / "words.txt", {"dog": np.array([1, np.nan])}), ValueError, "'dog' .* NaN"),
        (lambda f: write_word2vec(f / "words.bin", {"dog": np.array([1, np.inf])}), ValueError, "'dog' .* infinite"),
        (lambda f: write_npz(f / "words.npz", {"dog": np.array([1, np.nan])}), ValueError, "'dog' .* NaN"),
        (lambda f: write_bytes(f / "words.bin", b"9 99999999999999999999\n"), ValueError, "at most 65536 numbers"),
        (lambda f: write_bytes(f / "words.txt", b"9 99999999999999999999\n"), ValueError, "at most 65536 numbers"),
        (lambda f: write_bytes(f / "words.txt", b"x" * 2**21), ValueError, "line 1 .* more than 1048576 bytes"),
        (lambda f: write_bytes(f / "w.vec.gz", gzip.compress(b"x" * 2**24)), ValueError, "more than 1048576 bytes"),
        (lambda f: write_array(f / "words.npz", np.ones((2, 3))), ValueError, r"words.npz .*\.npy"),
        (lambda f: write_arrays(f / "words.npz", np.ones(2)), ValueError, r"texts \(2,\) .*vectors \(2,\)"),
        (lambda f: write_arrays(f / "words.npz", np.ones((3, 2))), ValueError, r"texts \(2,\) .*vectors \(3, 2\)"),
        (lambda f: f, ValueError, "not a spaCy model"),
        (lambda f: write_spacy(f / "small", {}), ValueError, "has no word vectors"),
    ],
)
def test_bad_sources_are_refused_with_the_cause(tmp_path, make, error, message):
    with pytest.raises(error, match=message):
        open_vectors(make(tmp_path)).read({"dog"})


def test_a_missing_spacy_model_is_refused_with_a_remedy():
    with pytest.raises(FileNotFoundError, match="'en_core_web_none'.* pip install") as error:
        open_vectors("en_core_web_none")
    assert "weights get" not in str(error.value)  # which knows no such name


def test_a_missing_model_of_the_manifest_names_its_command(monkeypatch):
    def load(name, exclude):
        raise OSError("[E050] Can't find model")

    monkeypatch.setattr(spacy, "load", load)
    with pytest.raises(FileNotFoundError, match="c3n weights get en_core_web_lg, or .* pip install"):
        open_vectors("en_core_web_lg")
