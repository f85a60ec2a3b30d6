"""Rooms whose echoes are known by hand, and the bench as a command."""

import numpy as np
import pytest

from c3n_model.cli import main
from c3n_model.direction.microphone_array import load_array
from c3n_model.direction.sound_bearing import SPEED_OF_SOUND
from c3n_model.experiments.direction.bench import BEHIND, RATE, Conditions, measure
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
    surfaces = 2 * (9 * 8 + 8 * 7 + 7 * 9)
    assert room.reflection == pytest.approx(np.sqrt(1 - 0.161 * 9 * 8 * 7 / (surfaces * 0.4)))


def test_a_room_that_absorbs_more_than_all_is_refused():
    with pytest.raises(ValueError, match="reverberation time of 0.01 s"):
        Room(np.array([5.0, 4.0, 3.0]), 0.01).record(CLICK, RATE, np.ones(3), np.full((1, 3), 2.0))


@pytest.mark.parametrize("array", ["respeaker_usb_4_mic", "stereo_pair"])
def test_ten_degrees_apart_the_right_one_is_chosen_in_nine_of_ten_rooms(array):
    counts = measure(load_array(array), Conditions(10.0, 0.0, 15.0), 20, [])
    assert counts["right"] >= 18, counts


def test_four_microphones_hear_what_is_behind():
    assert measure(load_array("respeaker_usb_4_mic"), Conditions(BEHIND, 0.0, 15.0), 8, [])["right"] == 8


def test_the_command_writes_the_table(capsys):
    assert main(["direction-bench", "--scenes", "2", "--apart", "30", "--reverberation", "0"]) in (None, 0)
    lines = capsys.readouterr().out.splitlines()
    assert len([line for line in lines if line.startswith("| respeaker_usb_4_mic |")]) == 2
    assert lines[-1].startswith("2 rooms each, synthetic syllables")


def test_the_command_refuses_what_it_cannot_measure(tmp_path):
    for arguments, reason in ((["--apart", "90"], "56 degrees"), (["--sounds", str(tmp_path)], "no sound in")):
        with pytest.raises(SystemExit, match=reason):
            main(["direction-bench", *arguments])
