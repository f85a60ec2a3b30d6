"""The label table of sound sources: ImageNet's names by place, nouns by name, people where there are any."""

import pytest

from c3n_model.labels.names import imagenet_names
from c3n_model.labels.similarity_table import LabelTable
from c3n_model.labels.source_table import build_source_table, visual_nouns

SOUNDS = ["Bark", "Speech", "Crow", "Animal", "Rain"]


def similarity(labels, sound, label):
    table = build_source_table(SOUNDS, labels)
    return float(table.similarity[SOUNDS.index(sound), labels.index(label)])


def test_classes_of_imagenet_make_the_sounds_of_their_nouns():
    names = imagenet_names()
    assert similarity(names, "Bark", "Irish terrier") == 1
    assert similarity(names, "Animal", "Irish terrier") == 0.5
    assert similarity(names, "Rain", "Irish terrier") == similarity(names, "Speech", "Irish terrier") == 0


def test_two_cranes_are_told_by_their_places():
    nouns = visual_nouns(imagenet_names())
    first, second = (index for index, name in enumerate(imagenet_names()) if name == "crane")
    assert "bird" in nouns[first] and "bird" not in nouns[second]


def test_people_replace_what_they_wear():
    names = imagenet_names()
    worn = [name for name, column in zip(names, build_source_table(SOUNDS, names).similarity[1]) if column > 0]
    assert worn, "without people clothes stand in for them"
    labels = [*names, "person"]
    table = build_source_table(SOUNDS, labels)
    assert [label for label, value in zip(labels, table.similarity[1]) if value > 0] == ["person"]
    assert "Rain" in table.provenance["excluded"]["audio"]


def test_any_labels_and_the_file(tmp_path):
    table = build_source_table(SOUNDS, ["dog", "crow", "motorbike"])
    assert table.similarity[0].tolist() == [1, 0, 0]
    table.save(tmp_path / "t.safetensors")
    assert LabelTable.load(tmp_path / "t.safetensors").visual_labels == ("dog", "crow", "motorbike")
    with pytest.raises(ValueError, match="sound that is known"):
        build_source_table(SOUNDS, ["gizmo"])
