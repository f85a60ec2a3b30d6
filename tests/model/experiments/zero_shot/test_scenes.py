"""The sounds that are combined with an image, those that must not be, and scenes as clips."""

import numpy as np
import pytest

from c3n_model.compose.noises import rms
from c3n_model.experiments.zero_shot import scenes
from c3n_model.experiments.zero_shot.pictures import Picture
from c3n_model.experiments.zero_shot.scenes import SMALL, SOUNDS_PER_PICTURE, absent, matched
from c3n_model.experiments.zero_shot.sounds import Sound
from c3n_model.labels.named_sounds import source_of


def make_picture(name="p", **areas):
    """Return an image of 100 pixels, in which each category covers the given number of first pixels."""
    things = {noun.replace("_", " "): [(np.arange(100) < area).reshape(10, 10)] for noun, area in areas.items()}
    return Picture(name, np.full((10, 10, 3), 90, np.uint8), things)


def make_sound(folder, number=0):
    samples = np.random.default_rng(number).normal(0, 0.1, 60).astype(np.float32)
    return Sound(f"{folder}/{number}", samples, 10, *source_of(folder))


def absent_names(picture, *folders):
    return {scene.sound.name.split("/")[0] for scene in absent([picture], [make_sound(f) for f in folders])}


def test_large_objects_with_their_sounds():
    sounds = [make_sound("dog"), make_sound("rooster"), make_sound("rain"), make_sound("sneezing")]
    picture = make_picture(dog=5, bird=50, person=4, gizmo=90)
    found = matched([picture], sounds)
    assert [(scene.noun, scene.sound.name) for scene in found] == [("bird", "rooster/0"), ("dog", "dog/0")]
    assert (found[1].mask.sum(), found[1].right, found[1].group) == (5, {"dog"}, "p")
    assert [scene.noun for scene in matched([picture], sounds, SMALL)] == ["person"]


def test_a_scene_is_a_clip_whose_last_second_has_the_mask():
    (scene,) = matched([make_picture(dog=50)], [make_sound("dog")])
    clip = scene.clip(10, history=3)
    seconds = scene.sound.seconds(10)
    kept = seconds[-3:]
    assert clip.category == "dog" and clip.snippets.shape == kept.shape and (clip.snippets == kept).all()
    assert clip.has_mask.tolist() == [False] * (len(kept) - 1) + [True]
    assert (clip.frames == scene.rgb).all() and (clip.masks[-1] == scene.mask).all() and not clip.masks[:-1].any()
    assert len(scene.clip(10, history=1).snippets) == 1


def test_a_bird_sound_does_not_fit_a_chicken():
    assert matched([make_picture(chicken=50)], [make_sound("chirping_birds")]) == []


def test_sounds_are_drawn_once_and_by_the_name_of_the_picture_alone():
    sounds = [make_sound("dog", number) for number in range(7)]
    first = [scene.sound.name for scene in matched([make_picture("a", dog=50)], sounds)]
    assert len(first) == len(set(first)) == SOUNDS_PER_PICTURE
    among_others = matched([make_picture("z", dog=50), make_picture("a", dog=50)], sounds)
    assert [scene.sound.name for scene in among_others if scene.group == "a"] == first
    starts = {matched([make_picture(name, dog=50)], sounds)[0].sound.name for name in "abcdefgh"}
    assert len(starts) > 1


def test_few_sounds_are_all_taken_once():
    sounds = [make_sound("dog", number) for number in range(3)]
    drawn = sorted(scene.sound.name for scene in matched([make_picture(dog=50)], sounds))
    assert drawn == ["dog/0", "dog/1", "dog/2"]


def test_absent_sounds_have_no_source_in_view():
    assert absent_names(make_picture(dog=1), "dog", "rooster", "rain") == {"rooster"}  # rain has a row of its own
    assert absent_names(make_picture(bird=50), "rooster", "crow") == set()
    assert absent_names(make_picture(chicken=50), "chirping_birds") == set()  # the birds may be chickens
    assert absent_names(make_picture(truck=50), "siren", "car_horn", "engine") == set()
    assert absent_names(make_picture(airplane=50), "helicopter") == set()  # both are "Aircraft"
    assert absent_names(make_picture(laptop=50), "mouse_click", "keyboard_typing") == set()
    assert absent_names(make_picture(computer_mouse=50), "mouse_click", "dog") == {"dog"}


def test_a_clip_of_a_bus_sounds_like_a_truck():
    clip = Sound("clips/x", np.ones(10, np.float32), 10, "bus")
    assert absent([make_picture(truck=50)], [clip]) == []
    assert len(absent([make_picture(dog=50)], [clip])) == 1


def test_absent_scenes_have_an_empty_mask_and_no_correct_name():
    (scene,) = absent([make_picture()], [make_sound("dog")])
    assert (scene.noun, scene.right, scene.mask.shape, scene.mask.any()) == ("dog", frozenset(), (10, 10), False)


def test_ambience_is_one_sound_of_each_folder_without_a_source():
    sounds = [make_sound("rain", k) for k in range(5)] + [make_sound("sea_waves"), make_sound("dog")]
    found = scenes.ambience([make_picture("a", dog=50), make_picture("b")], sounds)
    assert [(scene.group, scene.noun) for scene in found] == [
        ("a", "rain"),
        ("a", "sea waves"),
        ("b", "rain"),
        ("b", "sea waves"),
    ]
    assert not any(scene.right for scene in found)


def test_noises_are_all_there_and_differ_from_picture_to_picture():
    first, *_ = by_picture = [scenes.noise_alone([make_picture(name)]) for name in "ab"]
    assert [scene.noun for scene in first] == [noise.name for noise in scenes.NOISES]
    one, other = (found[1].sound.seconds(8000) for found in by_picture)
    assert not (one == other).all() and rms(one) == pytest.approx(rms(other), rel=0.01)


def test_the_larger_of_two_of_a_kind_sounds():
    small, large = np.zeros((2, 10, 10), bool)
    small[0, :3], large[5:9] = True, True
    picture = Picture("p", np.zeros((10, 10, 3), np.uint8), {"dog": [small, large], "person": [large]})
    sounds = [make_sound("dog"), make_sound("sneezing")]
    (scene,) = scenes.two_of_a_kind([picture], sounds)
    assert scene.noun == "dog" and (scene.mask == large).all()
    crowd = Picture("p", picture.rgb, picture.instances, crowds=frozenset({"dog"}))
    assert scenes.two_of_a_kind([crowd], sounds) == []  # the largest may be a crowd


def test_one_or_both_of_two_objects_sound():
    picture = make_picture(dog=50, person=20, gizmo=80)
    sounds = [make_sound("dog"), make_sound("sneezing")]
    ones = scenes.one_of_two([picture], sounds)
    assert [(scene.noun, int(scene.mask.sum())) for scene in ones] == [("dog", 50), ("person", 20)]
    (scene,) = scenes.both_sound([picture], sounds)
    assert (scene.right, int(scene.mask.sum())) == ({"dog", "person"}, 50)
    assert scenes.both_sound([make_picture(dog=50)], sounds) == []
    assert scenes.one_of_two([make_picture(bird=50, chicken=50)], [make_sound("rooster")]) == []  # one may be the other


def test_the_motor_of_a_scene_is_the_same_at_every_ratio():
    (scene,) = matched([make_picture(dog=50)], [make_sound("dog")])
    clean = scene.sound.seconds(8000)
    loud, quiet = (scenes.with_motor([scene], snr)[0].sound.seconds(8000) - clean for snr in (0, 20))
    assert loud == pytest.approx(10 * quiet, abs=1e-5)
    assert rms(loud) == pytest.approx(rms(clean), rel=0.01)
