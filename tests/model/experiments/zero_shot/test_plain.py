"""The label table of plain C3IM, with and without word vectors."""

import numpy as np
import pytest
import torch

from c3n_model.experiments.zero_shot.plain import plain_table, source_table
from c3n_model.labels.sound_sources import KIND_SIMILARITY, SOURCE_SIMILARITY

SOUNDS = ("Dog", "Animal", "Cat", "Wind")
PUG, ROOSTER, TABBY, VIOLIN = 254, 7, 281, 889


def test_a_leaf_is_as_alike_as_its_best_noun():
    table = source_table(SOUNDS)
    assert (table.audio_labels, len(table.visual_labels)) == (SOUNDS, 1000)
    likeness = table.similarity[:, [PUG, ROOSTER, TABBY, VIOLIN]]
    source, kind = SOURCE_SIMILARITY, KIND_SIMILARITY
    expected = [[source, 0, 0, 0], [kind, kind, kind, 0], [0, 0, source, 0], [0, 0, 0, 0]]
    torch.testing.assert_close(likeness, torch.tensor(expected, dtype=torch.float32))


def test_word_vectors_are_taken_where_there_are_any(tmp_path):
    table, made_of = plain_table(SOUNDS, [tmp_path])
    assert "sound sources" in made_of and (table.similarity == source_table(SOUNDS).similarity).all()
    (tmp_path / "words").mkdir()
    np.savez(tmp_path / "words/v.npz", words=["dog", "pug"], vectors=np.array([[1.0, 0], [0.6, 0.8]]))
    table, made_of = plain_table(SOUNDS, [tmp_path / "nowhere", tmp_path])
    assert made_of == "cosines of the word vectors in words/v.npz"
    assert 0 < table.similarity[0, PUG] < 1 and table.similarity[1].abs().max() == 0


def test_bad_word_vectors_are_named(tmp_path):
    (tmp_path / "words").mkdir()
    (tmp_path / "words/v.npz").write_bytes(b"none")
    with pytest.raises(ValueError, match=r"v\.npz"):
        plain_table(SOUNDS, [tmp_path])
