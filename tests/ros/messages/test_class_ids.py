"""Class ids of a mono8 mask."""

from c3n_ros.messages.class_ids import BACKGROUND, CAPACITY, UNLABELED, Vocabulary


def test_a_small_vocabulary_has_all_its_ids_from_the_start():
    vocabulary = Vocabulary(["dog", "car", "dog", "bell"])
    assert vocabulary.names == {0: "background", 1: "dog", 2: "car", 3: "bell"}
    assert vocabulary.class_id("car") == 2 and len(vocabulary) == 4


def test_a_large_vocabulary_assigns_ids_as_labels_occur():
    vocabulary = Vocabulary(f"class {number}" for number in range(1000))
    assert vocabulary.names == {BACKGROUND: "background"}
    assert [vocabulary.class_id(f"class {number}") for number in (700, 3, 700)] == [1, 2, 1]
    assert vocabulary.names == {0: "background", 1: "class 700", 2: "class 3"} and len(vocabulary) == 3


def test_254_labels_fit_and_the_255th_is_unlabeled():
    exactly = Vocabulary(map(str, range(CAPACITY)))
    assert exactly.class_id("253") == 254 and UNLABELED not in exactly.names
    full = Vocabulary(map(str, range(1000)))
    ids = [full.class_id(str(number)) for number in range(CAPACITY)]
    assert ids == list(range(1, 255)) and len(full) == 255
    assert full.class_id("254") == full.class_id("999") == UNLABELED and full.class_id("7") == 8
    assert full.names[UNLABELED] == "unlabeled" and len(full) == 256


def test_a_label_called_background_is_visible_in_the_mask():
    assert Vocabulary(["background"]).class_id("background") == 1
