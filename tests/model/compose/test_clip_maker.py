"""A composed clip: its masks are what sounds, its sound is what the timeline says, and nobody's file is in two splits."""

from pathlib import Path

import numpy as np
import pytest
from composing import write_material

from c3n_model.compose.clip_maker import make_clip, truth
from c3n_model.compose.material import SHARES, assign, could_make, split_material
from c3n_model.compose.noises import RATE, rms
from c3n_model.compose.picture_set import AnnotatedPicture, open_pictures
from c3n_model.compose.region import Polygons
from c3n_model.compose.scene_plan import Source, draw_scene, is_clear
from c3n_model.compose.sound_set import SoundFile, open_sounds
from c3n_model.compose.sound_track import heard_seconds, make_track
from c3n_model.compose.stage import render
from c3n_model.compose.timeline import Second, several_sources
from c3n_model.labels.named_sounds import makes


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    folder = write_material(tmp_path_factory.mktemp("material"), pictures=6, sounds=6)
    sounds = open_sounds([folder / "sounds", folder / "cutouts"])
    return open_pictures([folder / "coco", folder / "cutouts"]), sounds


@pytest.fixture(scope="module")
def material(sets):
    return split_material(*sets, {"train": 1}, seed=0)["train"]


def plans(material, setting, count=40):
    return [draw_scene(material, setting, np.random.default_rng([5, index])) for index in range(count)]


@pytest.mark.parametrize("seed", range(5))
def test_no_picture_and_no_recording_is_in_two_splits(sets, seed):
    divided = split_material(*sets, dict.fromkeys(SHARES, 1), seed)
    for kind in ("pictures", "cutouts", "sounds"):
        keys = [{item.key for item in getattr(part, kind)} for part in divided.values()]
        assert (
            sum(map(len, keys))
            == len(set().union(*keys))
            == len({i.key for i in getattr(sets[kind == "sounds"], kind)})
        )
    assert all({"dog", "person"} <= part.sources.keys() for part in divided.values())


def test_takes_of_a_recording_stay_together(sets):
    takes = [SoundFile("one", sets[1].sounds[0].path, frozenset({"dog"}), frozenset(), float(k)) for k in range(20)]
    more = type(sets[1])([*sets[1].sounds, *takes], [])
    divided = split_material(sets[0], more, dict.fromkeys(SHARES, 1), 0)
    assert sorted(sum(s.key == "one" for s in part.sounds) for part in divided.values()) == [0, 0, 20]


def test_a_split_without_anything_to_see_and_hear_is_refused(sets):
    mute = type(sets[1])([sound for sound in sets[1].sounds if not sound.nouns], [])
    with pytest.raises(ValueError, match="train.*--images or --sounds"):
        split_material(sets[0], mute, {"train": 1}, 0)


def test_equal_numbers_give_equal_clips_and_other_numbers_others(material):
    first, again = (make_clip(material, "ms3", "train", 3, seed=1) for _ in range(2))
    assert np.array_equal(first[0].frames, again[0].frames) and np.array_equal(first[1], again[1])
    assert first[2] == again[2]
    for other in ((4, 1), (3, 2)):
        assert not np.array_equal(first[0].frames, make_clip(material, "ms3", "train", *other)[0].frames)


@pytest.mark.parametrize("index", range(6))
def test_s4_has_one_source_that_is_always_heard(material, index):
    clip, sound, record = make_clip(material, "s4", "train", index, seed=0)
    assert clip.frames.shape == (5, 224, 224, 3) and clip.has_mask.tolist() == [True] + [False] * 4
    assert clip.category == record["sources"][0]["noun"]
    assert 0.01 <= clip.masks[0].mean() < 0.9
    assert sound.shape == (5 * RATE,) and np.abs(sound).max() <= 1
    assert all(rms(second) > 1e-3 for second in sound.reshape(5, RATE))


def test_silent_things_could_not_make_what_sounds(material):
    for plan in plans(material, "ms3"):
        view = {*plan.background.nouns, *(thing.noun for thing in plan.pasted)}
        for source in plan.sources:
            assert source.noun in view
            assert all(makes(noun, source.sound.nouns) for noun in view if could_make(noun, source.sound))
            assert not any(could_make(thing.noun, source.sound) for thing in plan.silent)
        if plan.out_of_view is not None:
            assert not any(could_make(noun, plan.out_of_view) for noun in view)


def test_masks_show_what_the_timeline_says(material):
    states = set()
    for index, plan in enumerate(plans(material, "ms3")):
        frames, visible = render(plan, np.random.default_rng(index))
        masks = truth(plan, visible)
        for number, second in enumerate(plan.timeline if masks is not None else ()):
            states.add(second.state)
            nouns = plan.sounding_nouns(number)
            assert masks[number].any() == bool(second.sources)
            for noun, pixels in visible[number].items():
                assert (masks[number] & pixels).any() == (noun in nouns and pixels.any())
    assert {"one", "out of view", "silence"} <= states


def test_a_source_that_is_hidden_while_it_sounds_makes_no_clip(material):
    plan = next(plan for plan in plans(material, "ms3") if any(second.sources for second in plan.timeline))
    nothing = [dict.fromkeys((source.noun for source in plan.sources), np.zeros((224, 224), bool))] * 5
    assert truth(plan, nothing) is None


def test_the_track_has_each_voice_in_its_seconds(material):
    """Dogs here sound at 500 to 750 Hz, sneezes at 1500 to 1750 Hz."""
    bands = {"dog": (450, 800), "person": (1450, 1800)}
    checked = set()
    for index, plan in enumerate(plans(material, "ms3", count=60)):
        if any(second.state == "noise" for second in plan.timeline) or plan.out_of_view is None:
            continue
        track = make_track(plan, np.random.default_rng(index)).reshape(5, RATE)
        power = np.abs(np.fft.rfft(track)) ** 2
        of_band = {noun: power[:, low:high].sum(axis=1) for noun, (low, high) in bands.items()}
        for number, second in enumerate(plan.timeline):
            for position, source in enumerate(plan.sources):
                if source.noun in bands and second.state in ("one", "silence"):
                    sounds = position in second.sources
                    loud = of_band[source.noun][number] > 0.2 * of_band[source.noun].max()
                    if of_band[source.noun].max() > 1e4 and any(position in s.sources for s in plan.timeline):
                        assert loud == sounds
                        checked.add(sounds)
    assert checked == {True, False}


def test_only_seconds_that_are_heard_are_used():
    samples = np.zeros(4 * RATE)
    samples[RATE : 2 * RATE] = 0.1
    samples[3 * RATE :] = 0.001
    assert len(heard_seconds(samples)) == 1
    assert len(heard_seconds(np.zeros(2 * RATE))) == 0
    assert heard_seconds(np.full(RATE // 4, 0.1)).shape == (1, RATE)


def test_timelines_have_five_seconds_and_no_more_sources_than_there_are():
    for sources in range(3):
        for seed in range(40):
            timeline = several_sources(sources, np.random.default_rng(seed))
            assert len(timeline) == 5
            assert all(isinstance(second, Second) and len(second.sources) <= sources for second in timeline)
            assert all(bool(second.sources) == (second.state in ("one", "both")) for second in timeline)


def test_an_unreadable_picture_is_avoided_and_named(tmp_path):
    folder = write_material(tmp_path, pictures=3)
    (folder / "coco/images/dog0.png").write_bytes(b"\x89PNG nothing")
    sets = open_pictures([folder / "coco"]), open_sounds([folder / "sounds"])
    material = split_material(*sets, {"train": 1}, 0)["train"]
    records = [make_clip(material, "s4", "train", index, seed=0)[2] for index in range(8)]
    named = [text for record in records for text in record.get("unreadable", ())]
    assert named and all("dog0.png" in text for text in named)
    assert "dog0" not in {record["background"] for record in records}


@pytest.mark.parametrize(
    ("shown", "uncertain", "clear"),
    [("car", (), True), ("ambulance", (), False), ("dog", (), True), ("dog", ("car",), False), ("dog", ("cat",), True)],
)
def test_what_might_be_the_source_without_being_it_makes_no_scene(shown, uncertain, clear):
    """A car's horn: an ambulance could have it, and so could a car that nobody annotated."""
    region = Polygons(shown, 0.3, (np.zeros((3, 2)),))
    picture = AnnotatedPicture("p", Path("p.png"), (region,), frozenset(uncertain))
    horn = SoundFile("s", Path("s.wav"), frozenset({"car"}), frozenset({"Vehicle horn, car horn, honking"}))
    assert is_clear(picture, [Source("car", horn, None)]) == clear


def test_every_noun_is_divided_in_proportion():
    nouns = {
        f"{noun}{number}": frozenset({noun}) for noun, count in (("dog", 40), ("cat", 20)) for number in range(count)
    }
    split_of = assign(nouns, list(SHARES), "salt")
    for noun, count in (("dog", 40), ("cat", 20)):
        for split, share in SHARES.items():
            assert abs(sum(key.startswith(noun) and of == split for key, of in split_of.items()) - share * count) <= 1
