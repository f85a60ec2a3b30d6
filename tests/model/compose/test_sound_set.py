"""Labelled sounds in each form: what makes them, and where they begin."""

import numpy as np
import pytest
import soundfile
from bench_folder import RATE, tone, write_sound
from toy_weights import own_weights

from c3n_model.compose.noises import RATE as OUT_RATE
from c3n_model.compose.sound_set import SoundFile, open_sounds
from c3n_model.labels.named_sounds import caption_source, common_sources, makes, might_make

CLASSES = {"/m/dog": "Dog", "/m/bark": "Bark", "/m/speech": "Speech", "/m/animal": "Animal", "/m/rain": "Rain", "/m/siren": "Siren"}  # fmt: skip


@pytest.fixture(autouse=True)
def classes(tmp_path, monkeypatch):
    own_weights(tmp_path, monkeypatch)
    rows = "".join(f'{index},{mid},"{name}"\n' for index, (mid, name) in enumerate(CLASSES.items()))
    (tmp_path / "class_labels_indices.csv").write_text(f"index,mid,display_name\n{rows}")


def sounds_of(table, text, names):
    table.parent.mkdir(parents=True, exist_ok=True)
    table.write_text(text)
    for name in names:
        write_sound(table.parent / f"audio/{name}")
    return open_sounds([table])


def test_esc_50_knows_takes_of_one_recording(tmp_path):
    text = "filename,fold,target,category,esc10,src_file,take\n" + "".join(
        f"1-77-{take}-0.wav,1,0,{kind},True,77,{take}\n" for take, kind in (("A", "dog"), ("B", "rain"))
    )
    found = sounds_of(tmp_path / "esc/esc50.csv", text, ["1-77-A-0.wav", "1-77-B-0.wav"])
    assert [(s.key, s.nouns) for s in found.sounds] == [("77", {"dog"}), ("77", frozenset())]


def test_fsd50k_by_mids_leaves_out_what_no_one_thing_makes(tmp_path):
    text = (
        "fname,labels,mids,split\n"
        '1,"Bark,Dog,Animal","/m/bark,/m/dog,/m/animal",train\n'
        '2,"Dog,Speech","/m/dog,/m/speech",train\n3,Animal,/m/animal,train\n4,Rain,/m/rain,train\n9,Dog,/m/dog,train\n'
    )
    found = sounds_of(tmp_path / "fsd/dev.csv", text, ["1.wav", "2.wav", "3.wav", "4.wav"])
    assert [(s.key, s.nouns) for s in found.sounds] == [("1", {"dog"}), ("4", frozenset())]
    assert [text.split(":")[0] for text in found.left_out] == ["2", "3", "9"]


def test_audioset_and_vggsound_with_clips_of_any_usual_name(tmp_path):
    text = '# comment\nabc, 30.000, 40.000, "/m/bark,/m/dog"\ndef, 0.000, 10.000, "/m/speech"\n'
    found = sounds_of(tmp_path / "as/eval.csv", text, ["Yabc.wav", "def_000000.wav"])
    assert [(s.key, s.nouns, s.start_s) for s in found.sounds] == [("abc", {"dog"}, 0), ("def", {"person"}, 0)]
    text = "abc,30,playing acoustic guitar,train\nxyz,5,people clapping,test\nq,1,gizmo humming nowhere,test\n"
    found = sounds_of(tmp_path / "vgg/vggsound.csv", text, ["abc_000030.wav", "xyz.flac", "q.wav"])
    assert [(s.key, s.nouns, s.start_s) for s in found.sounds] == [("abc", {"guitar"}, 0), ("xyz", {"person"}, 5)]


def test_folders_names_and_unknown_classes(tmp_path):
    write_sound(tmp_path / "s/dog/2-114587-A.wav")
    write_sound(tmp_path / "s/dog/2-114587-B.wav")
    write_sound(tmp_path / "s/gizmo/a.wav")
    write_sound(tmp_path / "s/ram.wav")
    (tmp_path / "s/names.txt").write_text("ram sheep\n")
    found = open_sounds([tmp_path / "s"])
    assert sorted((s.key, *s.nouns) for s in found.sounds) == [("114587", "dog"), ("114587", "dog"), ("s/ram", "sheep")]
    assert len(found.left_out) == 1 and "'gizmo'" in found.left_out[0]


def test_a_csv_of_another_form_is_refused(tmp_path):
    with pytest.raises(ValueError, match="t.csv.*ESC-50.*a,b"):
        sounds_of(tmp_path / "x/t.csv", "a,b\n1,2\n", [])
    with pytest.raises(ValueError, match="no sound that can be used"):
        sounds_of(tmp_path / "y/t.csv", "fname,labels,mids\n5,Dog,/m/dog\n", ["6.wav"])


def test_a_whole_recording_is_cut_where_the_clip_begins_and_a_cut_one_is_not(tmp_path):
    samples = np.concatenate([np.zeros(20 * RATE), tone(440, 5)])
    soundfile.write(tmp_path / "whole.wav", samples, RATE)
    at = {
        start: SoundFile("x", tmp_path / "whole.wav", frozenset(), frozenset(), start).read() for start in (0, 20, 30)
    }
    assert len(at[0]) == 10 * OUT_RATE and np.abs(at[0]).max() < 1e-3
    assert len(at[20]) == 5 * OUT_RATE and np.abs(at[20]).max() > 0.2
    assert len(at[30]) == 10 * OUT_RATE, "shorter than its start: it is cut already"


@pytest.mark.parametrize(
    ("classes", "nouns"),
    [
        (["Bark", "Dog", "Animal"], {"dog"}),
        (["Rain"], frozenset()),
        (["Animal"], None),
        (["Dog", "Speech"], None),
        ([], None),
    ],
)
def test_common_sources(classes, nouns):
    assert common_sources(classes) == nouns


@pytest.mark.parametrize(
    ("caption", "noun"),
    [
        ("dog barking", "dog"), ("people whispering", "person"), ("playing drum kit", "drum"), ("car engine idling", "car"),
        ("chicken crowing", "chicken"), ("church bell ringing", "bell"), ("driving buses", "bus"), ("zither of nothing", None),
    ],
)  # fmt: skip
def test_captions(caption, noun):
    source = caption_source(caption)
    assert (source and source[0]) == noun


def test_a_bird_makes_the_sound_of_a_rooster_and_a_truck_may_make_a_siren():
    assert makes("bird", frozenset({"chicken"})) and not makes("chicken", frozenset({"bird"}))
    assert might_make("chicken", frozenset({"bird"}), frozenset({"Bird"}))
    assert might_make("ambulance", frozenset({"car"}), frozenset({"Siren"}))
    assert not might_make("dog", frozenset({"cat"}), frozenset({"Meow"}))
