"""Which sounds a picture is given, and which it must not be given."""

import numpy as np

from c3n_model.experiments.zero_shot.pictures import Picture
from c3n_model.experiments.zero_shot.scenes import SOUNDS_A_PICTURE, compose, compose_off_screen
from c3n_model.experiments.zero_shot.sounds import Sound, source_of


def make_picture(name="p", **areas):
    """100 pixels, of which each category has the first so many."""
    masks = {noun.replace("_", " "): (np.arange(100) < area).reshape(10, 10) for noun, area in areas.items()}
    return Picture(name, np.zeros((10, 10, 3), np.uint8), masks)


def make_sound(folder, number=0):
    return Sound(f"{folder}/{number}", np.ones(10, np.float32), 10, *source_of(folder))


def off_screen_names(picture, *folders):
    return {scene.sound.name.split("/")[0] for scene in compose_off_screen([picture], [make_sound(f) for f in folders])}


def test_large_things_with_their_sounds():
    sounds = [make_sound("dog"), make_sound("rooster"), make_sound("rain"), make_sound("sneezing")]
    scenes = compose([make_picture(dog=5, bird=50, person=4, gizmo=90)], sounds)
    assert [(scene.noun, scene.sound.name) for scene in scenes] == [("bird", "rooster/0"), ("dog", "dog/0")]
    assert scenes[1].mask.sum() == 5


def test_a_bird_sound_does_not_fit_a_chicken():
    assert compose([make_picture(chicken=50)], [make_sound("chirping_birds")]) == []


def test_sounds_are_drawn_once_and_by_the_name_of_the_picture_alone():
    sounds = [make_sound("dog", number) for number in range(7)]
    first = [scene.sound.name for scene in compose([make_picture("a", dog=50)], sounds)]
    assert len(first) == len(set(first)) == SOUNDS_A_PICTURE
    among_others = compose([make_picture("z", dog=50), make_picture("a", dog=50)], sounds)
    assert [scene.sound.name for scene in among_others if scene.picture.name == "a"] == first
    starts = {compose([make_picture(name, dog=50)], sounds)[0].sound.name for name in "abcdefgh"}
    assert len(starts) > 1


def test_few_sounds_are_all_taken_once():
    sounds = [make_sound("dog", number) for number in range(3)]
    drawn = sorted(scene.sound.name for scene in compose([make_picture(dog=50)], sounds))
    assert drawn == ["dog/0", "dog/1", "dog/2"]


def test_off_screen_sounds_come_from_nothing_in_view():
    assert off_screen_names(make_picture(dog=1), "dog", "rooster", "rain") == {"rooster", "rain"}
    assert off_screen_names(make_picture(bird=50), "rooster", "crow") == set()
    assert off_screen_names(make_picture(chicken=50), "chirping_birds") == set()  # the birds may be chickens
    assert off_screen_names(make_picture(truck=50), "siren", "car_horn", "engine") == set()
    assert off_screen_names(make_picture(airplane=50), "helicopter") == set()  # both are "Aircraft"
    assert off_screen_names(make_picture(laptop=50), "mouse_click", "keyboard_typing") == set()
    assert off_screen_names(make_picture(computer_mouse=50), "mouse_click", "dog") == {"dog"}


def test_a_clip_of_a_bus_sounds_like_a_truck():
    clip = Sound("clips/x", np.ones(10, np.float32), 10, "bus")
    assert compose_off_screen([make_picture(truck=50)], [clip]) == []
    assert len(compose_off_screen([make_picture(dog=50)], [clip])) == 1


def test_off_screen_scenes_have_an_empty_mask():
    (scene,) = compose_off_screen([make_picture()], [make_sound("dog")])
    assert (scene.noun, scene.mask.shape, scene.mask.any()) == ("", (10, 10), False)
