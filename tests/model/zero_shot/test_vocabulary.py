"""What can be seen: confidences by hand, people left to the segmenter, generic sounds held back, tables of other labels."""

import math

import pytest
import torch

from c3n_model.labels.names import imagenet_names
from c3n_model.labels.similarity_table import LabelTable, matrix_sha256
from c3n_model.labels.sound_sources import KINDS, imagenet_nouns
from c3n_model.zero_shot.vocabulary import (
    GENERIC_DISCOUNT,
    NOT_SEEN,
    PROMINENT_AREA,
    Vocabulary,
    noun_vocabulary,
    table_vocabulary,
)

SOUNDS = ("Speech", "Dog", "Animal", "Wind")


def make_vocabulary() -> Vocabulary:
    """Two labels of a classifier of three classes, one of a segmenter of two."""
    members = torch.tensor([[True, True, False], [False, False, True]])
    return Vocabulary(("pair", "single", "person"), members, torch.tensor([1]), torch.ones(1, 3), torch.zeros(1))


def test_confidence_is_the_sum_over_members():
    logits = torch.tensor([[0.2, 0.5, 0.3]]).log()
    confidence = make_vocabulary().log_confidence(logits, None)[0].exp()
    assert confidence.tolist() == pytest.approx([0.7, 0.3])


@pytest.mark.parametrize(
    ("pixels", "value", "expected"),
    [
        (100, 0.9, 0.9),  # all of it
        (5, 0.9, 0.9),  # just PROMINENT_AREA
        (2, 0.9, 0.9 * 0.02 / PROMINENT_AREA),
        (100, 0.4, 0),  # below one half nothing is found
    ],
)
def test_what_a_segmenter_finds_counts_by_its_area(pixels, value, expected):
    masks = torch.zeros(1, 2, 10, 10)
    masks[0, 1].view(-1)[:pixels] = value
    masks[0, 0] = 1.0  # a class that is no label
    confidence = make_vocabulary().log_confidence(torch.zeros(1, 3), masks)[0]
    assert confidence.shape == (3,)
    assert confidence[2].item() == pytest.approx(math.log(expected) if expected else NOT_SEEN, rel=1e-5)


def test_people_are_left_to_a_segmenter_that_has_them():
    alone = noun_vocabulary(SOUNDS, None)
    with_dogs = noun_vocabulary(SOUNDS, ("background", "dog"))
    with_people = noun_vocabulary(SOUNDS, ("background", "dog", "person", "sofa"))
    assert alone.labels.count("person") == with_dogs.labels.count("person") == with_people.labels.count("person") == 1
    assert "person" in with_dogs.labels[: len(with_dogs.members)]
    assert with_people.labels[len(with_people.members) :] == ("dog", "person")
    assert with_people.segments.tolist() == [1, 2]
    assert alone.segments.shape == (0,)


def test_rows_are_the_nouns_classes_but_for_the_kinds():
    vocabulary = noun_vocabulary(SOUNDS, None)
    assert set(vocabulary.labels) == set(imagenet_nouns()) - set(KINDS)
    for label, row in zip(vocabulary.labels, vocabulary.members, strict=True):
        assert row.nonzero()[:, 0].tolist() == sorted(imagenet_nouns()[label])
    assert vocabulary.similarity.shape == (4, len(vocabulary.labels))


def test_only_generic_sounds_are_discounted():
    assert noun_vocabulary(SOUNDS, None).discount.tolist() == [0, 0, GENERIC_DISCOUNT, 0]


def test_a_segmenter_without_a_sounding_class_adds_nothing():
    vocabulary = noun_vocabulary(SOUNDS, ("__background__", "N/A", "sofa"))
    assert vocabulary.labels == noun_vocabulary(SOUNDS, None).labels
    assert vocabulary.log_confidence(torch.zeros(2, 1000), torch.ones(2, 3, 4, 4)).shape == (2, len(vocabulary.labels))


def make_table(audio_labels: tuple[str, ...], visual_labels: tuple[str, ...]) -> LabelTable:
    similarity = torch.rand(len(audio_labels), len(visual_labels), generator=torch.Generator().manual_seed(0))
    return LabelTable(similarity, audio_labels, visual_labels, {"matrix_sha256": matrix_sha256(similarity)})


def test_a_table_is_plain_c3im():
    table = make_table(SOUNDS, tuple(imagenet_names()))
    vocabulary = table_vocabulary(table, SOUNDS)
    logits = torch.randn(2, 1000, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(vocabulary.log_confidence(logits, None), logits.log_softmax(dim=1), atol=1e-5)
    assert torch.equal(vocabulary.similarity, table.similarity)
    assert not vocabulary.discount.any()


def test_a_table_of_other_labels_is_refused():
    with pytest.raises(ValueError, match="visual label 0 is .*, in ImageNet 'tench"):
        table_vocabulary(make_table(SOUNDS, tuple(sorted(imagenet_names()))), SOUNDS)
    with pytest.raises(ValueError, match="has 3 audio and 1000 visual labels.*AudioSet's 4 .*c3n labels build"):
        table_vocabulary(make_table(SOUNDS[:3], tuple(imagenet_names())), SOUNDS)
    with pytest.raises(ValueError, match="4 audio and 2 visual labels"):
        table_vocabulary(make_table(SOUNDS, ("dog", "cat")), SOUNDS)
