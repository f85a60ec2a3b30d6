"""The tasks composed from a folder, and its halves."""

import shutil

import pytest
from bench_folder import write_data, write_picture, write_sound

from c3n_model.experiments.zero_shot.data import read_data
from c3n_model.experiments.zero_shot.halves import tuned_on
from c3n_model.experiments.zero_shot.tasks import RowClips, compose_tasks
from c3n_model.scoring.evaluate import Clips

ROWS = [
    "matched",
    "absent",
    "ambience",
    "noise",
    "silent_clips",
    "motor_20_db",
    "motor_0_db",
    "motor_-10_db",
    "motor_learnt_20_db",
    "motor_learnt_0_db",
    "motor_learnt_-10_db",
    "motor_learnt_alone",
    "quiet",
    "dark",
    "blur",
    "jpeg_10",
    "rotated",
    "cutout_alone",
    "cutout_beside_people",
    "cutout_one_of_two",
    "cutout_both",
    "clips",
]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("bench"))


def test_rows_of_a_whole_folder(data):
    tasks = compose_tasks(read_data(data, tuning=False))
    assert [row.name for row in tasks.rows] == ROWS
    rows = {row.name: row for row in tasks.rows}
    assert [(scene.group, scene.noun) for scene in rows["matched"].scenes] == [
        ("a", "person"),
        ("b", "dog"),
        ("b", "dog"),
    ]
    assert len(rows["noise"].scenes) == 3 * 5 and len(rows["clips"].scenes) == 2
    assert (len(tasks.lingering), len(tasks.switching), len(tasks.timed)) == (2, 4, 3)
    clips: Clips = RowClips(rows["matched"], "reported", 8000, history=1)
    assert (clips.setting, clips.split, len(clips)) == ("matched", "reported", 3)
    assert clips[1].category == "dog" and clips[1].snippets.shape == (1, 8000)


def test_some_rows(data):
    tasks = compose_tasks(read_data(data, tuning=False), ["noise", "switching"])
    assert [row.name for row in tasks.rows] == ["noise"] and not tasks.lingering and tasks.switching and tasks.timed
    with pytest.raises(ValueError, match="'nosie'.*noise.*lingering, switching"):
        compose_tasks(read_data(data, tuning=False), ["nosie"])


def test_the_halves_share_nothing(data, tmp_path):
    write_data(tmp_path)
    write_picture(tmp_path / "coco", f"{min(tuned_on())}.png", 18)
    write_sound(tmp_path / "esc10/dog/1.wav")
    tuning, reported = (read_data(tmp_path, tuning=half) for half in (True, False))
    assert [picture.name for picture in tuning.pictures] == [min(tuned_on())]
    assert [sound.name for sound in tuning.sounds] == ["dog/1"]
    assert not (tuning.cutouts or tuning.pairs or tuning.avsbench_clips or tuning.true_seconds)
    assert {"dog/5", "pairs/dog"} <= {sound.name for sound in reported.sounds}
    assert "dog/1" not in {sound.name for sound in reported.sounds} and len(reported.cutouts) == 2
    assert len(tuning.silent) == len(reported.silent) == 2
    assert reported.left_out == ["esc10/zither of glass", "pairs/lonely_audio.wav"]


def test_an_empty_half_is_refused_with_a_remedy(data, tmp_path):
    with pytest.raises(ValueError, match="leave out --tuning"):
        read_data(data, tuning=True)
    write_picture(tmp_path / "coco", f"{min(tuned_on())}.png", 18)
    with pytest.raises(ValueError, match="use --tuning"):
        read_data(tmp_path, tuning=False)
    with pytest.raises(ValueError, match="no sounds.*esc10/"):
        read_data(tmp_path, tuning=True)


PARTS = {
    "silent": "silent_clips",
    "clips": "clips",
    "cutouts": "cutout_alone",
    "esc10": "ambience",
    "pairs": "",
    "x": "",
}


@pytest.mark.parametrize("missing", PARTS)
def test_one_part_missing(data, tmp_path, missing):
    write_data(tmp_path)
    shutil.rmtree(tmp_path / missing, ignore_errors=True)
    left = {row.name for row in compose_tasks(read_data(tmp_path, tuning=False)).rows}
    assert set(ROWS) - left >= {PARTS[missing]} - {""}
    assert left >= {"noise"}
