from dataclasses import replace

import numpy as np
import pytest

from c3n_model.streaming.class_filter import known_classes, only_classes
from c3n_model.types import Presence, Segmentation, SoundingObject, UnifiedLabel

LABELS = ("dog", "Dog barking", "person", "Male speech, man speaking")


def make(audio="Dog barking", visual="dog", audible=True):
    mask = np.zeros((4, 6), bool)
    mask[1, 2] = audible
    numbers = mask.astype(np.uint16)
    label = UnifiedLabel(audio, visual, 0.9, 0.8, 1.0, 0.7)
    objects = (SoundingObject(visual, 0.9, (2, 1, 1, 1), (2.0, 1.0), 1),) if audible else ()
    return Segmentation(
        0, 5, "camera", mask, mask.astype(np.uint8) * 200, label, Presence(audible, 0.7, -20.0), objects, 1.0, numbers
    )


@pytest.mark.parametrize("classes", [(), ("dog",), ("Dog barking",), ("person", "dog")])
def test_what_was_asked_for_is_the_same(classes):
    segmentation = make()
    assert only_classes(segmentation, classes) is segmentation


def test_other_classes_are_emptied_and_say_so():
    shown = only_classes(make(), ("person",))
    assert shown.presence.reason == "filtered" and not shown.presence.present and shown.presence.audible
    assert not shown.mask.any() and not shown.confidence.any() and not shown.object_numbers.any()
    assert shown.objects == () and shown.label.visual == "dog" and shown.mask.shape == (4, 6)


def test_silence_keeps_its_own_reason():
    assert only_classes(make(audible=False), ("person",)).presence.reason == "unsure"


def test_names_are_found_whatever_their_capitals():
    assert known_classes(["DOG", " dog barking ", "dog"], LABELS) == ("dog", "Dog barking")
    assert known_classes([], LABELS) == ()


@pytest.mark.parametrize(
    "wrong, near", [("dgo", "'dog'"), ("persons", "'person'"), ("speech", "'Male speech, man speaking'")]
)
def test_a_wrong_name_is_answered_by_the_nearest(wrong, near):
    with pytest.raises(ValueError, match=near):
        known_classes(["dog", wrong], LABELS)


def two_sources():
    """A dog of 3 pixels and a person of 2, each with its pair."""
    numbers = np.zeros((4, 6), np.uint16)
    numbers[0, :3], numbers[3, :2] = 1, 2
    objects = (
        SoundingObject("dog", 0.9, (0, 0, 3, 1), (1.0, 0.0), 3, **SCORES, audio_label="Dog barking"),
        SoundingObject("person", 0.9, (0, 3, 2, 1), (0.5, 3.0), 2, **SCORES, audio_label="Male speech, man speaking"),
    )
    mask = numbers > 0
    confidence = mask.astype(np.uint8) * 200
    return replace(make(), mask=mask, confidence=confidence, objects=objects, object_numbers=numbers)


SCORES = {"audio_score": 0.5, "visual_score": 0.6, "similarity": 1.0, "consensus": 0.4}


def test_of_several_sources_those_of_other_classes_are_left_out():
    both = two_sources()
    assert only_classes(both, ("dog", "person")) is both
    dog = only_classes(both, ("dog",))
    assert [found.label for found in dog.objects] == ["dog"] and dog.label == both.label and dog.presence.present
    assert dog.mask.sum() == 3 and (dog.object_numbers[0, :3] == 1).all() and not dog.confidence[3].any()
    person = only_classes(both, ("Male speech, man speaking",))
    assert person.label == UnifiedLabel("Male speech, man speaking", "person", 0.5, 0.6, 1.0, 0.4)
    assert (person.object_numbers[3, :2] == 1).all() and person.mask.sum() == 2 and person.presence.present
    assert only_classes(both, ("violin",)).presence.reason == "filtered"
