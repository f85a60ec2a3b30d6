"""The one mapping between nouns and messages: complete, and the same in both directions."""

import re
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c3n_model.messages.object_fields import FIELDS, read_fields, write_fields
from c3n_model.types import Presence, SoundBearing, SoundingObject, UnifiedLabel

MESSAGES = Path(__file__).resolve().parents[3] / "msg"
# Fields of SoundingObjects that belong to the window and its image, or follow from others (reason), not to a noun of the mapping.
OF_THE_WINDOW = {
    "header",
    "window_start",
    "heard",
    "image_width",
    "image_height",
    "objects",
    "dropped_windows",
    "reason",
    "motion_decision",
}


def fields_of_message(name):
    """The field names of a .msg file."""
    lines = (MESSAGES / f"{name}.msg").read_text(encoding="utf-8").splitlines()
    return {match.group(1) for line in lines if (match := re.match(r"[\w/\[\]]+\s+(\w+)", line))}


def mapped(*nouns):
    return {field.partition(".")[0] for noun in nouns for names in FIELDS[noun].values() for field in names}


def empty_object():
    """A message with the default values that ROS gives it."""
    names = ["score", "centroid_x", "centroid_y", "bearing", "elevation", "half_width"]
    floats = dict.fromkeys([*names, "audio_score", "visual_score", "similarity", "consensus", "motion"], 0.0)
    integers = dict.fromkeys(["x", "y", "width", "height", "area", "id"], 0)
    position = SimpleNamespace(x=0.0, y=0.0, z=0.0)
    return SimpleNamespace(
        label="", audio_label="", position=position, position_covariance=[0.0] * 9, **floats, **integers
    )


def test_every_field_of_the_messages_is_mapped():
    assert mapped(SoundingObject) == fields_of_message("SoundingObject")
    assert len(fields_of_message("SoundingObject")) == 21
    assert mapped(UnifiedLabel, Presence, SoundBearing) | OF_THE_WINDOW == fields_of_message("SoundingObjects")


@pytest.mark.parametrize("noun", FIELDS)
def test_every_attribute_of_a_noun_is_mapped(noun):
    assert set(FIELDS[noun]) == {entry.name for entry in fields(noun)}


numbers, pixels = st.floats(-1e6, 1e6), st.integers(0, 2**32 - 1)
objects = st.builds(
    SoundingObject,
    label=st.text(),
    score=numbers,
    box=st.tuples(pixels, pixels, pixels, pixels),
    centroid=st.tuples(numbers, numbers),
    area=pixels,
    id=pixels,
    bearing=st.none() | numbers,
    elevation=st.none() | numbers,
    half_width=st.none() | numbers,
    position=st.none() | st.tuples(numbers, numbers, numbers),
    position_covariance=st.none() | st.tuples(*[numbers] * 9),
    audio_label=st.text(),
    audio_score=st.none() | numbers,
    visual_score=st.none() | numbers,
    similarity=st.none() | numbers,
    consensus=st.none() | numbers,
    motion=st.none() | numbers,
)


@given(objects)
def test_an_object_is_read_as_it_was_written(region):
    message = empty_object()
    write_fields(region, message)
    assert read_fields(SoundingObject, message) == region


def test_a_field_missing_in_older_messages_has_its_default():
    message = SimpleNamespace(audible=True, presence_score=0.5, loudness_dbfs=-20.0)
    assert read_fields(Presence, message) == Presence(True, 0.5, -20.0, visible=True)


def test_an_object_of_an_older_recording_has_no_pair():
    message = empty_object()
    for name in ("audio_label", "audio_score", "visual_score", "similarity", "consensus"):
        delattr(message, name)
    found = read_fields(SoundingObject, message)
    assert found.audio_label == "" and found.audio_score is None and found.pair is None


def test_a_score_that_is_nan_stays_nan():
    message = empty_object()
    message.score = float("nan")
    assert read_fields(SoundingObject, message).score != read_fields(SoundingObject, message).score
