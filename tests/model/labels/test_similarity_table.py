"""Label tables: similarities by hand, by spaCy, and equal for all vector formats; files and their verification."""

import json

import numpy as np
import pytest
import spacy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from word_files import write_npz, write_spacy, write_text, write_word2vec

from c3n_model.labels.similarity_table import METADATA_KEY, LabelTable, build_table, matrix_sha256
from c3n_model.labels.vectors import VectorSource, open_vectors, split_tokens

WORDS = {
    "dog": [1, 0, 0],
    "hound": [0.8, 0.6, 0],
    "car": [0, 0, 1],
    "van": [0, 0.6, 0.8],
    ",": [0, 1, 0],
}


def in_memory(words) -> VectorSource:
    vectors = {word: np.array(row, np.float32) for word, row in words.items()}
    return VectorSource(
        {"vectors": "memory"}, split_tokens, lambda wanted: {word: vectors[word] for word in wanted & vectors.keys()}
    )


def build(audio, visual, cleaning="whole", words=WORDS) -> LabelTable:
    return build_table(audio, visual, in_memory(words), cleaning=cleaning, command="c3n labels build")


@pytest.mark.parametrize(
    ("cleaning", "expected"),
    [
        # whole: "hound, dog" is (.8 + 0 + 1, .6 + 1 + 0, 0) / 3, so its cosine with dog is 1.8 / |(1.8, 1.6)| = .7474;
        # with "Car (van), dog": mean of car, van, ",", dog = (1, 1.6, 1.8) / 4; unknown parentheses change no direction
        ("whole", [[0.747409, (1.8 + 1.6 * 1.6) / (5.8**0.5 * 6.8**0.5)], [0, 1.8 / 6.8**0.5]]),
        ("first_synonym", [[0.8, 0], [0, 1]]),
        ("best_synonym", [[1, 1], [0, 1]]),
    ],
)
def test_similarities_by_hand(cleaning, expected):
    table = build(["hound, dog", "car"], ["dog", "Car (van), dog"], cleaning)
    assert table.similarity.tolist() == [pytest.approx(row, abs=1e-6) for row in expected]
    assert table.provenance["cleaning"] == cleaning


def test_labels_without_a_vector_are_zeros_and_named():
    table = build(["dog", "Silence", "of, the"], ["van", "axolotl, mud puppy", "car"])
    assert table.similarity[1].tolist() == [0, 0, 0]
    assert table.provenance["excluded"] == {"audio": ["Silence"], "visual": []}
    # "of, the" and "axolotl, mud puppy" have the direction of their comma: a pitfall of `whole`
    assert table.similarity[2].tolist() == pytest.approx([0.6, 1, 0])


def test_tokens_are_looked_up_as_written_then_in_lower_case():
    words = {"Polish": [1.0, 0], "polish": [0, 1.0], "nail": [0.6, 0.8]}
    table = build(["Polish", "POLISH", "polish"], ["Nail"], words=words)
    assert table.similarity.flatten().tolist() == pytest.approx([0.6, 0.8, 0.8])


def test_a_label_whose_synonyms_have_no_vector_is_tried_unchanged():
    words = {"dog": [1.0, 0], "violin, fiddle": [0.6, 0.8]}
    table = build(["Violin, fiddle"], ["dog"], "best_synonym", words)
    assert table.similarity.item() == pytest.approx(0.6)


def test_whole_is_spacys_doc_vector(tmp_path):
    words = {word: np.array(row, np.float32) for word, row in WORDS.items()}
    model = spacy.load(write_spacy(tmp_path / "model", words))
    audio, visual = ["hound, dog", "unknown van"], ["car (van)", "dog", "dog's car-van"]
    table = build_table(audio, visual, open_vectors(tmp_path / "model"), cleaning="whole")
    for j, heard in enumerate(audio):
        for k, seen in enumerate(visual):
            assert table.similarity[j, k].item() == pytest.approx(model(heard).similarity(model(seen)), abs=1e-6)


LABELS = st.lists(
    st.lists(st.sampled_from(["dog", "hound", "car", "van", "ghost"]), min_size=1, max_size=3)
    .map(" ".join)
    .flatmap(lambda text: st.sampled_from([text, f"{text}, dog", f"{text} (car)"])),
    min_size=1,
    max_size=4,
)


@settings(max_examples=8)
@given(audio=LABELS, visual=LABELS, seed=st.integers(0, 99), cleaning=st.sampled_from(["whole", "best_synonym"]))
def test_every_route_gives_the_same_numbers(tmp_path_factory, audio, visual, seed, cleaning):
    random = np.random.default_rng(seed)
    words = {word: random.uniform(0.1, 1, 4).astype(np.float32) for word in WORDS}
    folder = tmp_path_factory.mktemp("words")
    sources = [
        write_npz(folder / "words.npz", words),
        write_text(folder / "words.vec", words),
        write_text(folder / "words.txt.gz", words, header=False),
        write_word2vec(folder / "words.bin", words),
        write_spacy(folder / "model", words),
    ]
    audio, visual = [*audio, "dog"], [*visual, "dog"]  # one pair that is alike
    tables = [build_table(audio, visual, open_vectors(source), cleaning=cleaning) for source in sources]
    assert len({table.provenance["matrix_sha256"] for table in tables}) == 1
    assert tables[0].similarity[-1, -1].item() == pytest.approx(1)


@pytest.mark.parametrize(
    ("audio", "visual", "cleaning", "message"),
    [
        (["dog"], ["dog"], "tidy", "whole, first_synonym, best_synonym"),
        ([], ["dog"], "whole", "got 0 and 1"),
        (["chien"], ["auto"], "whole", "no vector for any word"),
        (["dog"], ["car"], "whole", "no consensus"),
    ],
)
def test_tables_that_cannot_be_are_refused(audio, visual, cleaning, message):
    with pytest.raises(ValueError, match=message):
        build(audio, visual, cleaning)


def test_a_saved_table_is_loaded_unchanged(tmp_path):
    table = build(["hound, dog", "car", "Silence"], ["dog", "van"])
    table.save(tmp_path / "new/table.safetensors")
    again = LabelTable.load(tmp_path / "new/table.safetensors")
    assert torch.equal(again.similarity, table.similarity)
    assert (again.audio_labels, again.visual_labels) == (table.audio_labels, table.visual_labels)
    assert again.provenance == table.provenance
    assert again.provenance["dimension"] == 3
    assert again.provenance["command"] == "c3n labels build"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["table.safetensors"]


def write_table(path, similarity, **changes):
    about = {"audio_labels": ["a"], "visual_labels": ["b", "c"], "provenance": {}} | changes
    if isinstance(about["provenance"], dict):
        about["provenance"].setdefault("matrix_sha256", matrix_sha256(similarity))
    save_file({"similarity": similarity}, path, metadata={METADATA_KEY: json.dumps(about)})


@pytest.mark.parametrize(
    ("similarity", "changes", "message"),
    [
        (torch.ones(2, 2), {}, r"expected .*torch.float32 \(1, 2\).*got torch.float32 \(2, 2\)"),
        (torch.ones(1, 2).double(), {}, "got torch.float64"),
        (torch.tensor([[1, torch.nan]]), {}, "NaN or infinite"),
        (torch.ones(1, 2), {"provenance": {"matrix_sha256": "0" * 64}}, f"sha256 {'0' * 64}.*got [0-9a-f]{{64}}"),
        (torch.ones(1, 2), {"audio_labels": None}, "invalid label table .*table.safetensors"),
        (torch.ones(1, 2), {"provenance": ["c3n"]}, "provenance, got a list"),
    ],
)
def test_wrong_tables_are_refused(tmp_path, similarity, changes, message):
    write_table(tmp_path / "table.safetensors", similarity, **changes)
    with pytest.raises(ValueError, match=message):
        LabelTable.load(tmp_path / "table.safetensors")


def test_other_files_are_refused_as_tables(tmp_path):
    with pytest.raises(FileNotFoundError, match="c3n labels build"):
        LabelTable.load(tmp_path / "nothing")
    save_file({"similarity": torch.ones(1, 1)}, tmp_path / "weights.safetensors")
    save_file({"similarity": torch.ones(1, 1)}, tmp_path / "list.safetensors", metadata={METADATA_KEY: "[]"})
    save_file({"similarity": torch.ones(1, 1)}, tmp_path / "empty.safetensors", metadata={METADATA_KEY: "{}"})
    (tmp_path / "text").write_text("hello")
    for name in ("weights.safetensors", "list.safetensors", "empty.safetensors", "text"):
        with pytest.raises(ValueError, match=f"(invalid|not a) label table.*{name}|{name} is not a label table"):
            LabelTable.load(tmp_path / name)
