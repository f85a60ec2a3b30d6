"""The bench of motion as a command, and its numbers."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image
from printed_lines import printed

from c3n_model.cli import main
from c3n_model.experiments.motion import bench
from c3n_model.experiments.motion.bench import CONDITIONS, Conditions, Material, interval, measure, outcome_of, seen
from c3n_model.experiments.motion.clips import measure_clips, read_clips
from c3n_model.experiments.motion.sounds import (
    RATE,
    SECONDS,
    read_cutouts,
    read_sounds,
    synthetic_level,
    synthetic_sound,
)


@pytest.mark.parametrize(
    "successes, count, text", [(9, 10, "0.90 (0.60 to 0.98)"), (0, 4, "0.00 (0.00 to 0.49)"), (0, 0, "–")]
)
def test_intervals_are_wilsons(successes, count, text):
    assert interval(successes, count) == text


def test_of_twelve_scenes_most_decisions_are_right_and_scenes_repeat():
    counts = measure(CONDITIONS[0], 12, Material(), seed=7)
    assert sum(counts.values()) == 12 and counts["right"] >= 5 and counts["wrong"] <= 1, counts
    one = Conditions("three", things=3, camera="pans")
    assert measure(one, 2, Material(), 3) == measure(one, 2, Material(), 3)


def test_a_choice_is_wrong_where_nothing_follows_the_sound():
    numbers = np.zeros((10, 20), np.uint16)
    numbers[2:5, 2:5], numbers[2:5, 12:15] = 1, 2
    both = seen(numbers, 0)
    assert outcome_of(both, 1) == "undecided"
    first = type(both)(**{**vars(both), "objects": both.objects[:1], "motion_decision": "chosen"})
    assert [outcome_of(first, right) for right in (1, 2, None)] == ["right", "wrong", "wrong"]


@pytest.fixture
def folder(tmp_path) -> Path:
    """Two cut-outs with sounds of five seconds, and one whose sound is too short."""
    for name, seconds in (("cow", 5), ("duck", 5), ("bee", 1)):
        random = np.random.default_rng(len(name))
        rgba = random.integers(0, 255, (30, 40, 4), np.uint8)
        rgba[..., 3] = 255
        Image.fromarray(rgba).save(tmp_path / f"{name}.png")
        sound = synthetic_sound(synthetic_level(random), random)[: seconds * RATE]
        soundfile.write(tmp_path / f"{name}.wav", sound, RATE)
    return tmp_path


def test_real_sounds_and_cutouts_are_read(folder):
    cutouts, sounds = read_cutouts(folder)
    assert len(cutouts) == len(sounds) == len(read_sounds(folder)) == 2 and len(sounds[0]) == SECONDS * RATE
    gray, alpha = cutouts[0]
    assert gray.shape == alpha.shape == (16, 22) and alpha.min() == 1
    counts = measure(Conditions("cutouts"), 2, Material(cutouts, sounds), 0)
    assert sum(counts.values()) == 2


def test_the_command_writes_the_table_and_refuses_what_it_cannot_measure(monkeypatch, capsys, tmp_path, folder):
    monkeypatch.setattr(bench, "measure", lambda each, scenes, *more: measure(each, scenes // 100, *more))
    main(printed("c3n motion-bench"))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines[2:-1]] == [each.name for each in CONDITIONS]
    assert lines[-1] == "drawn discs, synthetic rhythms, 6 s each, seed 1"
    (tmp_path / "empty").mkdir()
    for arguments, reason in (
        (["--scenes", "0"], "at least 1"),
        (["--sounds", str(tmp_path / "empty")], "2 or more sounds"),
        (["--clips", str(tmp_path / "empty")], "videos with 2 parts"),
        (["--clips", "a", "--sounds", "b"], "at most one of"),
    ):
        with pytest.raises(SystemExit, match=reason):
            main(["motion-bench", *arguments])


@pytest.mark.realdata
def test_real_clips_beside_each_other_are_compared(real_data):
    clips = read_clips(real_data / "avsbench_clips")
    counts = measure_clips(clips, np.random.default_rng(0))
    assert len(clips) == 5 and sum(counts.values()) == 20


@pytest.mark.realdata
def test_cutouts_that_move_to_their_own_sounds_are_mostly_right(real_data):
    counts = measure(CONDITIONS[0], 12, Material(*read_cutouts(real_data / "cutouts")), seed=2)
    assert counts["right"] > 3 * counts["wrong"], counts
