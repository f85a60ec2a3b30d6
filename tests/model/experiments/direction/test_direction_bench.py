"""Rooms whose echoes are known by hand, and the bench as a command."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile
from printed_lines import printed
from scipy.signal import butter, sosfilt

from c3n_model.cli import main
from c3n_model.direction.microphone_array import PRESETS, load_array
from c3n_model.direction.steering import SPEED_OF_SOUND
from c3n_model.experiments.direction import bench
from c3n_model.experiments.direction.bench import RATE, Conditions, measure, synthetic_sound
from c3n_model.experiments.direction.rooms import Room

CLICK = np.eye(1, 800)[0]


def test_without_echo_a_click_arrives_once_by_its_distance():
    place = np.array([[1.0, 1.0, 1.0]])
    heard = Room(np.array([5.0, 4.0, 3.0]), 0.0).record(
        CLICK, RATE, place[0] + [SPEED_OF_SOUND / RATE * 100, 0, 0], place
    )
    assert heard[:, 0].argmax() == 100 and heard[100, 0] == pytest.approx(RATE / SPEED_OF_SOUND / 100)
    assert np.abs(np.delete(heard[:, 0], 100)).max() < 1e-6


def test_the_first_echo_is_the_floors_mirror_image():
    room, source, microphone = (
        Room(np.array([9.0, 8.0, 7.0]), 0.4),
        np.array([4.0, 4.0, 1.0]),
        np.array([[4.0, 5.0, 1.0]]),
    )
    heard = room.record(CLICK, RATE, source, microphone)[:, 0]
    first, echo = (np.hypot(1.0, height) / SPEED_OF_SOUND * RATE for height in (0.0, 2.0))
    late = heard.copy()
    late[: round(first) + 45] = 0
    assert abs(int(late[:130].argmax()) - echo) < 1
    surface = 2 * (9 * 8 + 8 * 7 + 7 * 9)
    absorbed = 1 - room.reflection**2
    assert 0.161 * 9 * 8 * 7 / (-surface * np.log(1 - absorbed)) == pytest.approx(0.4), "Eyring's formula"


@pytest.mark.parametrize("seconds", [0.15, 0.6])
def test_the_sound_decays_by_sixty_decibels_in_the_rooms_time(seconds):
    """From the decay of the energy that is left between 5 and 25 dB, as measured in real rooms. A box with equal walls is slower."""
    response = Room(np.array([5.0, 4.0, 3.0]), seconds).response(
        RATE, np.array([1.0, 1.5, 1.2]), np.array([3.5, 2.5, 1.6])
    )
    audible = sosfilt(butter(4, 200, "high", fs=RATE, output="sos"), response)
    left_db = 10 * np.log10(np.cumsum(np.square(audible)[::-1])[::-1] / np.square(audible).sum())
    decay_s = 3 * (np.argmax(left_db < -25) - np.argmax(left_db < -5)) / RATE
    assert 0.8 * seconds < decay_s < 1.4 * seconds


def test_a_rooms_decay_is_not_cut_off():
    """Half a second of decay: what comes later than a quarter of a second after the sound is 30 dB weaker, and there."""
    response = Room(np.array([5.0, 4.0, 3.0]), 0.5).response(RATE, np.array([1.0, 1.5, 1.2]), np.array([3.5, 2.5, 1.6]))
    assert len(response) > 0.37 * RATE and np.square(response[RATE // 4 :]).sum() > 0


def scenes(array, reverberation_s=0.0, snr_db=15.0, count=20, apart=(10.0,), **others):
    conditions = Conditions((reverberation_s,) * 2, (snr_db,) * 2, (1.0, 2.5))
    return measure(load_array(array), conditions, apart, count, [], **others)


@pytest.mark.parametrize("array", ["respeaker_usb_4_mic", "stereo_pair"])
def test_ten_degrees_apart_the_right_one_is_chosen_in_nine_of_ten_rooms(array):
    decisions = [scene.decisions[10.0] for scene in scenes(array)]
    assert decisions.count("right") >= 18, decisions


@pytest.mark.parametrize("array", ["respeaker_usb_4_mic", "stereo_pair"])
def test_in_a_living_room_nine_of_ten_decisions_are_right(array):
    decisions = [scene.decisions[10.0] for scene in scenes(array, reverberation_s=0.4, snr_db=20.0, count=24)]
    decided = [decision for decision in decisions if decision != "undecided"]
    assert len(decided) >= 16 and decided.count("right") >= 0.9 * len(decided), decisions


def test_more_seconds_leave_fewer_undecided():
    conditions = Conditions((0.6, 0.6), (5.0, 5.0), (2.0, 3.0))
    one, three = (
        measure(load_array("stereo_pair"), replace(conditions, seconds=seconds), (10.0,), 12, []) for seconds in (1, 3)
    )
    undecided = [[scene.decisions[10.0] for scene in scenes].count("undecided") for scenes in (one, three)]
    assert undecided[1] < undecided[0]


def test_four_microphones_hear_what_is_behind():
    assert [scene.outside for scene in scenes("respeaker_usb_4_mic", count=8, outside=True)] == ["right"] * 8


def test_a_scene_follows_from_seed_and_number():
    first, again, other = (scenes("stereo_pair", count=2, seed=seed) for seed in (3, 3, 4))
    assert first == again != other
    assert [scene.noise for scene in first] == ["microphones", "all sides"]


def test_no_rival_is_placed_outside_the_picture():
    """Objects are at most 28 degrees from the middle: for one 45 degrees away the sound must come from beyond 17."""
    with_rival = [45.0 in scene.decisions for scene in scenes("stereo_pair", count=12, apart=(10.0, 45.0))]
    assert any(with_rival) and not all(with_rival)


def test_synthetic_syllables_sound():
    sound = synthetic_sound(np.random.default_rng(0))
    assert sound.shape == (RATE,) and np.isfinite(sound).all() and np.square(sound).mean() > 0.1


@pytest.fixture
def two_scenes(monkeypatch):
    """Two of a hundred rooms."""
    monkeypatch.setattr(bench, "measure", lambda *given: measure(*given[:3], given[3] // 50, *given[4:]))


def test_the_command_writes_the_table(two_scenes, capsys):
    assert main(printed("c3n direction-bench --scenes 100")) in (None, 0)
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("| respeaker_usb_4_mic, scenes | error")]
    assert len([line for line in lines if line.startswith("| all, 2 |")]) == 2
    assert lines[-1].startswith("100 rooms each, synthetic syllables")


def test_one_array_with_sounds_of_ones_own(two_scenes, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").symlink_to(PRESETS / "respeaker_usb_4_mic.yaml")
    (tmp_path / "SOUNDS").mkdir()
    soundfile.write(tmp_path / "SOUNDS/a.wav", synthetic_sound(np.random.default_rng(0)), RATE)
    main(printed("c3n direction-bench --scenes 100 --seed 1"))
    main(printed("c3n direction-bench --scenes 100 --microphone-array"))
    heads = [line for line in capsys.readouterr().out.splitlines() if ", scenes | error" in line]
    assert [head.split(",")[0] for head in heads] == ["| respeaker_usb_4_mic", "| mine"]


def test_the_command_refuses_what_it_cannot_measure(tmp_path):
    for arguments, reason in (
        (["--apart", "90"], "56 degrees"),
        (["--sounds", str(tmp_path)], "no sound in"),
        (["--distance", "1", "20"], "--distance"),
        (["--snr", "30", "0"], "--snr"),
        (["--reverberation", "0", "1", "2"], "--reverberation"),
        (["--seconds", "0"], "--seconds"),
    ):
        with pytest.raises(SystemExit, match=reason):
            main(["direction-bench", *arguments])
