"""The choice among objects, each case of the module's table by hand. 91 pixels over 90 degrees: a degree is about a pixel."""

from dataclasses import replace

import numpy as np
import pytest

from c3n_model.direction.heard_before import HeardBefore
from c3n_model.direction.sound_bearing import MeasuredBearing
from c3n_model.direction.which_object import Pinhole, choose_object
from c3n_model.types import Presence, Segmentation, SoundBearing, SoundingObject, UnifiedLabel

VIEW = Pinhole(200, 100, 90.0)  # focal length 100 pixels, centre (99.5, 49.5)


def at(*bearings_deg, labels=None):
    """A segmentation with an object of 11 x 11 pixels at each bearing, level with the camera."""
    numbers, objects = np.zeros((100, 200), np.uint16), []
    for index, bearing in enumerate(bearings_deg):
        column = round(99.5 - 100 * np.tan(np.deg2rad(bearing)))
        numbers[45:56, column - 5 : column + 6] = index + 1
        label = labels[index] if labels else "person"
        objects.append(SoundingObject(label, 0.9, (column - 5, 45, 11, 11), (float(column), 49.5), 121, id=index + 7))
    mask, label = numbers > 0, UnifiedLabel("Speech", "person", 0.9, 0.9, 0.9, 0.9)
    confidence = mask.astype(np.uint8) * np.uint8(200)
    return Segmentation(
        0, 1, "", mask, confidence, label, Presence(True, 0.9, -20.0), tuple(objects), object_numbers=numbers
    )


def sound(bearing_deg, mirrored_deg=None, confidence=0.5, spread_deg=1.0):
    mirrored = None if mirrored_deg is None else np.deg2rad(mirrored_deg)
    return SoundBearing(float(np.deg2rad(bearing_deg)), mirrored, confidence, float(np.deg2rad(spread_deg)))


@pytest.mark.parametrize("bearing, chosen", [(20, 0), (24, 0), (-20, 1), (-12, 1)])
def test_of_two_of_a_class_the_one_that_sounds_remains(bearing, chosen):
    seen = at(20, -20)
    found = choose_object(seen, sound(bearing), VIEW)
    assert found.sound.decision == "chosen"
    assert [region.id for region in found.objects] == [chosen + 7], "it keeps its id"
    assert np.array_equal(found.mask, seen.object_numbers == chosen + 1)
    assert np.array_equal(found.object_numbers, found.mask.astype(np.uint16)), "numbered from 1 again"
    assert found.confidence.max() == 200 and not found.confidence[~found.mask].any()
    assert found.presence == seen.presence and found.label == seen.label


def same(found, seen):
    return np.array_equal(found.mask, seen.mask) and found.objects == seen.objects and found.presence == seen.presence


@pytest.mark.parametrize(
    "heard, decision",
    [
        (sound(0), "elsewhere"),
        (sound(20, confidence=0.04), "unclear"),
        (sound(20, spread_deg=25), "unclear"),
        (sound(49), "elsewhere"),  # 4 degrees outside the picture are within what a bearing may be off
        (sound(60, mirrored_deg=20), "chosen"),
        (sound(20, mirrored_deg=160), "chosen"),
    ],
)
def test_what_else_follows(heard, decision):
    seen = at(20, -20)
    found = choose_object(seen, heard, VIEW)
    assert found.sound == replace(heard, decision=decision)
    assert same(found, seen) == (decision != "chosen")


def test_between_two_objects_it_is_unclear():
    seen = at(6, -6)
    found = choose_object(seen, sound(0.02, spread_deg=2), VIEW)
    assert found.sound.decision == "unclear" and same(found, seen)


@pytest.mark.parametrize(
    "apart, spread, decision",
    [(10, 17.0, "chosen"), (10, 18.5, "unclear"), (20, 18.5, "chosen"), (40, 18.5, "chosen")],
)
def test_how_certain_a_bearing_must_be_depends_on_the_distance_of_the_objects(apart, spread, decision):
    """At 3 degrees, 2 from one object and 8 from the other, the odds are exp((64 - 4) / 2 / spread^2): 1.1 at 17.7 degrees of spread."""
    near = at(5, 5 - apart)
    assert choose_object(near, sound(3, spread_deg=spread), VIEW).sound.decision == decision


def measured(heard, likelihood):
    """The same with log-likelihoods of all bearings."""
    return MeasuredBearing(heard.bearing, heard.mirrored, heard.confidence, heard.spread, likelihood=likelihood)


def heard_from(*bearings_deg, mirrored_deg=None):
    """A sound whose likelihood has a normal maximum of 3 degrees at each bearing; the first is the highest, by 1."""
    grid = np.arange(-180.0, 180.0, 2.0)
    curves = [-((grid - bearing) ** 2) / 18 - (index > 0) for index, bearing in enumerate(bearings_deg)]
    return measured(sound(bearings_deg[0], mirrored_deg), np.max(curves, axis=0))


def test_objects_are_compared_by_the_likelihood_of_their_own_bearings():
    """An echo between them, louder than the sound at 12 degrees, does no harm; by distances from it the other one would be nearer."""
    heard = heard_from(0, 12)
    chosen = choose_object(at(12, -8), heard, VIEW)
    assert [region.id for region in chosen.objects] == [7]
    assert type(chosen.sound) is SoundBearing, "results and messages do not have the likelihood"
    assert [region.id for region in choose_object(at(12, -8), replace(heard, likelihood=None), VIEW).objects] == [8]


def test_the_likelihood_of_raised_objects_is_that_of_the_bearing_at_which_a_line_hears_them():
    """A pair hears 30 degrees left and 40 up at 22.5 degrees; a level object at 30 degrees it hears there."""
    row = round(49.5 - 100 * np.tan(np.deg2rad(40)) / np.cos(np.deg2rad(30)))
    seen = at(30, 8, -30)
    objects = [replace(seen.objects[0], centroid=(seen.objects[0].centroid[0], float(row))), *seen.objects[1:]]
    heard = heard_from(22.5, mirrored_deg=157.5)
    assert [region.id for region in choose_object(replace(seen, objects=tuple(objects)), heard, VIEW).objects] == [7]


def test_two_uncertain_seconds_decide_together():
    """The odds of a second are exp(0.07) = 1.07: too few, those of two exp(0.07 + 0.049) = 1.13: enough."""
    before, heard = HeardBefore(), measured(sound(0.0), np.where(np.arange(180) < 90, -0.07, 0.0))
    for second, decision in ((1, "unclear"), (2, "chosen")):
        seen = replace(at(6, -6), window_start_ns=second * 10**9)
        assert choose_object(seen, heard, VIEW, before).sound.decision == decision


def test_a_bearing_without_a_spread_is_as_certain_as_a_bearing_can_be():
    published = SoundBearing(float(np.deg2rad(3)), None, 1.0, None)
    assert choose_object(at(5, -5), published, VIEW).sound.decision == "chosen"
    assert choose_object(at(5, -5), replace(published, bearing=0.0), VIEW).sound.decision == "unclear"


def test_an_only_object_stays_wherever_its_sound_comes_from_in_the_picture():
    for bearing, decision in ((20, "agrees"), (-30, "elsewhere")):
        found = choose_object(at(20), sound(bearing), VIEW)
        assert found.sound.decision == decision and same(found, at(20))


def test_objects_of_other_classes_stay():
    found = choose_object(at(20, -20, -35, labels=("dog", "dog", "person")), sound(20), VIEW)
    assert [region.label for region in found.objects] == ["dog", "person"]
    assert np.unique(found.object_numbers).tolist() == [0, 1, 2]


@pytest.mark.parametrize("heard", [sound(180), sound(-100), sound(80, mirrored_deg=100)])
def test_a_sound_from_outside_the_picture_is_not_in_view(heard):
    found = choose_object(at(20, -20), heard, VIEW)
    assert found.sound.decision == "not in view" and found.presence.reason == "not in view"
    assert not found.mask.any() and not found.confidence.any() and not found.objects and not found.object_numbers.any()


@pytest.mark.parametrize("ahead, decision", [(-1.9, "agrees"), (-2.1, "not in view")])
def test_a_sound_is_outside_the_picture_at_odds_of_7_against_all_of_it(ahead, decision):
    """e^2 = 7.4 to 1, whatever the width of its maximum: 60 degrees are 15 beyond the picture, and the spread is 10."""
    grid = np.arange(-180.0, 180.0, 2.0)
    heard = measured(sound(60, spread_deg=10), np.where(np.abs(grid) < 40, ahead, -3.0))
    seen = at(0)
    found = choose_object(seen, replace(heard, likelihood=np.maximum(heard.likelihood, -np.abs(grid - 60))), VIEW)
    assert (found.sound.decision, found.mask.any()) == (decision, decision != "not in view")


def test_a_pair_that_hears_a_sound_behind_or_ahead_decides_for_ahead():
    found = choose_object(at(20, -20), sound(20, mirrored_deg=160), VIEW)
    assert [region.id for region in found.objects] == [7]


def test_without_a_bearing_nothing_changes():
    seen = at(20, -20)
    assert choose_object(seen, SoundBearing(), VIEW) is seen


def test_a_second_without_a_mask_keeps_its_reason():
    silent = replace(at(), presence=Presence(False, 0.0, -90.0))
    found = choose_object(silent, sound(180), VIEW)
    assert found.presence.reason == "silent" and found.sound.decision == "not in view"


def test_the_angle_to_a_line_of_microphones_is_corrected_for_raised_objects():
    """From 30 degrees left and 40 up a pair hears cos = sin(30) cos(40): level, that is asin(0.383) = 22.5 degrees."""
    raised = at(30, 8)
    row = round(49.5 - 100 * np.tan(np.deg2rad(40)) / np.cos(np.deg2rad(30)))
    objects = [replace(region, centroid=(region.centroid[0], float(row))) for region in raised.objects]
    seen = replace(raised, objects=tuple(objects))
    found = choose_object(seen, sound(22.5, mirrored_deg=157.5), VIEW)
    assert found.sound.decision == "chosen" and [region.id for region in found.objects] == [7]


@pytest.mark.parametrize("angle", [0, 180, -10])
def test_an_impossible_angle_of_view_is_refused(angle):
    with pytest.raises(ValueError, match="0, 180"):
        Pinhole(10, 10, angle)
