"""Folder names, the chosen seconds of a sound, and reading pairs and clips."""

import numpy as np
import pytest
import soundfile
from bench_folder import RATE, write_data, write_sound

from c3n_model.experiments.zero_shot.sounds import (
    Sound,
    clip_sound,
    clips,
    folder_sounds,
    pair_sounds,
    same_thing,
)
from c3n_model.labels import named_sounds
from c3n_model.labels.named_sounds import known_folders, source_of
from c3n_model.labels.names import audioset_names
from c3n_model.labels.sound_sources import imagenet_nouns, sound_sources

NAMES = """dog rooster pig cow frog cat hen insects sheep crow rain sea_waves crackling_fire crickets chirping_birds
water_drops wind pouring_water toilet_flush thunderstorm crying_baby sneezing clapping breathing coughing footsteps laughing
brushing_teeth snoring drinking_sipping door_wood_knock mouse_click keyboard_typing door_wood_creaks can_opening
washing_machine vacuum_cleaner clock_alarm clock_tick glass_breaking helicopter chainsaw siren car_horn engine train
church_bells airplane fireworks hand_saw"""
ESC_50 = NAMES.split()


def test_every_class_of_esc_50_is_known():
    assert len(ESC_50) == 50
    assert not set(ESC_50) - known_folders().keys()


def test_every_folder_names_something_that_can_be_seen_or_nothing():
    makers = {noun for nouns in sound_sources().values() for noun in nouns}
    elsewhere = {"computer mouse"}  # COCO's
    unknown = {noun for noun, _ in known_folders().values()} - {""} - makers - imagenet_nouns().keys() - elsewhere
    assert not unknown


def test_no_folder_is_listed_twice():

    lines = (named_sounds.Path(named_sounds.__file__).parent / "named_sounds.txt").read_text().splitlines()
    names = [line.split(":")[0] for line in lines if line and not line.startswith("#")]
    assert len(names) == len(set(names))
    assert all(line.count(":") == 2 for line in lines if line and not line.startswith("#"))


@pytest.mark.realdata
def test_right_classes_are_audiosets(real_data):
    names = set(audioset_names(real_data / "weights/class_labels_indices.csv"))
    for folder, (_, right) in known_folders().items():
        assert right and not right - names, folder


@pytest.mark.parametrize(
    ("name", "noun"),
    [
        ("dog_bark", "dog"),
        ("001 - Dog bark", "dog"),
        ("Crying baby", "person"),
        ("rain", ""),
        ("horse", "horse"),
        ("aeroplane", "airplane"),
        ("zebra", "zebra"),  # is seen, but makes no sound of AudioSet's
        ("emergency-car", "car"),
    ],
)
def test_source_of(name, noun):
    assert source_of(name)[0] == noun


def test_a_noun_has_the_sounds_that_it_makes():
    assert {"Neigh, whinny", "Clip-clop"} <= source_of("horse")[1]
    assert source_of("gizmo") is None


def test_the_loudest_second_and_four_before_it():
    samples = np.zeros(8 * RATE, np.float32)
    samples[6 * RATE : 7 * RATE] = 0.5
    samples[2 * RATE : 3 * RATE] = 0.25
    seconds = Sound("s", samples, RATE, "dog").seconds(RATE)
    assert seconds.shape == (5, RATE)
    assert seconds.mean(axis=1).tolist() == [0.25, 0, 0, 0, 0.5]


def test_a_short_sound_is_padded_to_one_second_and_resampled():
    sound = Sound("s", np.full(2000, 0.5, np.float32), 4000, "dog")
    assert sound.seconds(RATE).shape == (1, RATE)
    assert sound.waveform(RATE).shape == (RATE,)
    assert sound.seconds(RATE)[0, 1000:3000] == pytest.approx(0.5, abs=0.02)
    assert not sound.seconds(RATE)[0, 4000:].any()


def test_the_whole_sound_up_to_ten_seconds_is_tagged():
    samples = np.arange(12 * RATE, dtype=np.float32)
    assert (Sound("s", samples, RATE, "").waveform(RATE) == samples[: 10 * RATE]).all()


def test_folders_pairs_and_clips_of_a_folder(tmp_path):
    write_data(tmp_path)
    sounds, unknown = folder_sounds(tmp_path / "esc10")
    assert [(sound.name, sound.noun) for sound in sounds] == [
        ("dog/5", "dog"),
        ("rain/5", ""),
        ("sneezing/4", "person"),
    ]
    assert unknown == ["zither of glass"]
    pairs, unknown = pair_sounds(tmp_path / "pairs")
    assert [(path.name, sound.noun, len(sound.samples)) for path, sound in pairs] == [("dog_image.jpg", "dog", 4000)]
    assert unknown == ["lonely_audio.wav"]
    ((path, nouns),) = clips(tmp_path / "avsbench_clips")
    assert (path.name, nouns) == ("yard.mp4", {"dog", "person"})
    sound = clip_sound(path, "dog")
    assert (sound.sample_rate, round(len(sound.samples) / sound.sample_rate, 1)) == (
        48000,
        2.0,
    )  # AAC, as VideoWriter writes it


@pytest.mark.parametrize("objects", ["", "background", "dog_gizmo", "rain"])
def test_a_clip_with_an_unknown_object_has_no_known_source(tmp_path, objects):
    (tmp_path / "a.mp4").touch()
    (tmp_path / "avsbench_metadata.csv").write_text(f"vid,a_obj\na,{objects}\n")
    assert clips(tmp_path) == [(tmp_path / "a.mp4", frozenset())]


def test_without_a_csv_or_a_folder(tmp_path):
    (tmp_path / "a.mp4").touch()
    assert clips(tmp_path) == [(tmp_path / "a.mp4", frozenset())]
    nowhere = tmp_path / "nowhere"
    assert (clips(nowhere), pair_sounds(nowhere), folder_sounds(nowhere)) == ([], ([], []), ([], []))


@pytest.mark.parametrize("text", [b"a,b\n1,2\n", b"vid,a_obj\nx\n", b"vid,a_obj\n\xff\xfe,x\n"])
def test_a_bad_csv_is_named(tmp_path, text):
    (tmp_path / "avsbench_metadata.csv").write_bytes(text)
    with pytest.raises(ValueError, match=r"avsbench_metadata\.csv.*vid and a_obj"):
        clips(tmp_path)


def test_bad_sounds_are_named(tmp_path):
    write_sound(tmp_path / "dog/1.wav")
    (tmp_path / "dog/1.wav").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"1\.wav cannot be read"):
        folder_sounds(tmp_path)
    soundfile.write(tmp_path / "dog/1.wav", np.zeros(0, np.float32), RATE)
    with pytest.raises(ValueError, match=r"1\.wav contains no sound"):
        folder_sounds(tmp_path)


def test_the_same_thing_by_another_name():
    assert same_thing("owl", "bird") and same_thing("bird", "owl") and same_thing("gizmo", "gizmo")
    assert not same_thing("rooster", "dog") and not same_thing("owl", "parrot")
    assert same_thing("robin, American robin, Turdus migratorius", "bird")
    assert not same_thing("robin, American robin, Turdus migratorius", "dog")
