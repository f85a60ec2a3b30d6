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
