"""What can be seen: confidences by hand, people left to the segmenter, generic sounds held back, tables of other labels."""

import math

import pytest
import torch

from c3n_model.labels.names import imagenet_names
from c3n_model.labels.similarity_table import LabelTable, matrix_sha256
from c3n_model.labels.sound_sources import KINDS, imagenet_nouns
from c3n_model.zero_shot.detections import Detections
from c3n_model.zero_shot.vocabulary import (
    GENERIC_DISCOUNT,
    NOT_SEEN,
    PROMINENT_AREA,
    Vocabulary,
    matching_classes,
    noun_vocabulary,
    table_vocabulary,
)

SOUNDS = ("Speech", "Dog", "Animal", "Wind")


def make_vocabulary() -> Vocabulary:
    """Two labels of a classifier of three classes, one of them and another of a segmenter of two, and all of a detector."""
    members = torch.tensor([[True, True, False], [False, False, True], [False] * 3])
    segments = torch.tensor([[False, False], [False, False], [False, True]])
    return Vocabulary(
        ("pair", "single", "person"), members, segments, torch.eye(3).bool(), torch.ones(1, 3), torch.zeros(1)
    )


def detections(*found: tuple[int, float]) -> Detections:
    classes, scores = (torch.tensor(values) for values in zip(*found, strict=True)) if found else ([], [])
    boxes = torch.tensor([[0.0, 0.0, 1.0, 1.0]]).repeat(len(found), 1)
    return Detections(boxes, torch.as_tensor(scores).float(), torch.as_tensor(classes).long())


def test_confidence_is_the_sum_over_members():
    logits = torch.tensor([[0.2, 0.5, 0.3]]).log()
    confidence = make_vocabulary().log_confidence(logits)[0].exp()
    assert confidence.tolist() == pytest.approx([0.7, 0.3, 0])


def test_a_label_has_the_confidence_of_its_best_source():
    logits = torch.tensor([[0.2, 0.5, 0.3], [0.2, 0.5, 0.3]]).log()
    masks = torch.zeros(2, 2, 10, 10)
    masks[:, 1] = 0.4  # a person, but not certain enough to be there
    found = [detections((0, 0.6), (1, 0.35), (1, 0.8), (2, 0.5)), detections()]
    confidence = make_vocabulary().log_confidence(logits, masks, found).exp()
    assert confidence[0].tolist() == pytest.approx([0.7, 0.8, 0.5])
    assert confidence[1].tolist() == pytest.approx([0.7, 0.3, 0])


@pytest.mark.parametrize(
    ("pixels", "value", "expected"),
    [
        (100, 0.9, 0.9),  # all of it
        (5, 0.9, 0.9),  # just PROMINENT_AREA
        (2, 0.9, 0.9 * 0.02 / PROMINENT_AREA),
        (100, 0.4, 0),  # below one half nothing is found
    ],
)
def test_confidence_of_a_segmenter_grows_with_the_area(pixels, value, expected):
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
    detected = noun_vocabulary(SOUNDS, ("background", "dog"), ("person",))
    assert alone.labels == with_dogs.labels == with_people.labels == detected.labels
    person, dog = (alone.labels.index(noun) for noun in ("person", "dog"))
    assert alone.members[person].any() and with_dogs.members[person].any()
    assert not with_people.members[person].any() and not detected.members[person].any()
    assert with_people.segments[dog].tolist() == [False, True, False, False]
    assert with_people.segments[person].tolist() == [False, False, True, False]
    assert with_people.segments.sum() == 2
    assert detected.boxes[person].tolist() == [True] and detected.boxes.sum() == 1
    assert alone.segments.shape == alone.boxes.shape == (len(alone.labels), 0)


def test_equal_nouns_are_one_label():
    vocabulary = noun_vocabulary(
        ("Speech", "Bicycle bell", "Skateboard"), ("aeroplane", "bicycle"), ("airplane", "bike", "skateboard")
    )
    assert len(set(vocabulary.labels)) == len(vocabulary.labels)
    bicycle, board = vocabulary.labels.index("bicycle"), vocabulary.labels.index("skateboard")
    assert vocabulary.members[bicycle].any() and vocabulary.segments[bicycle].tolist() == [False, True]
    assert vocabulary.boxes[board].tolist() == [False, False, True]
    assert not vocabulary.members[board].any()  # ImageNet has none


@pytest.mark.parametrize(
    ("label", "expected"), [("chicken", {"bird"}), ("bird", {"bird"}), ("violin", set()), ("wolf", set())]
)
def test_matching_classes_are_the_same_kind_or_a_wider_one(label, expected):
    names = ("person", "bird", "dog", "cell phone")
    assert {names[index] for index in matching_classes(label, names)} == expected


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
    assert torch.allclose(vocabulary.log_confidence(logits), logits.log_softmax(dim=1), atol=1e-5)
    assert torch.equal(vocabulary.similarity, table.similarity)
    assert not vocabulary.discount.any()


def test_a_table_of_other_labels_is_refused():
    with pytest.raises(ValueError, match="visual label 0 is .*, in ImageNet 'tench"):
        table_vocabulary(make_table(SOUNDS, tuple(sorted(imagenet_names()))), SOUNDS)
    with pytest.raises(ValueError, match="has 3 audio and 1000 visual labels.*AudioSet's 4 .*c3n labels build"):
        table_vocabulary(make_table(SOUNDS[:3], tuple(imagenet_names())), SOUNDS)
    with pytest.raises(ValueError, match="4 audio and 2 visual labels"):
        table_vocabulary(make_table(SOUNDS, ("dog", "cat")), SOUNDS)
