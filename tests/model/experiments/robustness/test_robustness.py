"""The robustness bench: each condition by hand, its metrics, and the whole command."""

import json
from dataclasses import replace

import numpy as np
import pytest
from printed_lines import printed
from tiny import make_tiny_model

from c3n_model.cli import main
from c3n_model.data.avsbench import AVSBench
from c3n_model.experiments.robustness import bench
from c3n_model.experiments.robustness import conditions as module
from c3n_model.experiments.robustness.bench import Scores, global_metrics, harmonic_mean
from c3n_model.experiments.robustness.conditions import NEGATIVE, conditions, select
from c3n_model.experiments.robustness.sound_faults import clipped, reverberant, telephone
from c3n_model.progress import silent
from c3n_model.synthetic.synthesize import synthesize
from c3n_model.training.negatives import Donors
from c3n_model.weights.checkpoint import save_model

RATE = 16_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("robustness")
    for setting in ("s4", "ms3"):
        synthesize(folder / "AVSBENCH", setting, {"test": 3}, seed=0, progress=silent)
    save_model(folder / "s4.safetensors", make_tiny_model())
    return folder


@pytest.fixture(scope="module")
def clips(folder):
    return AVSBench(folder / "AVSBENCH", "ms3", "test", RATE)


@pytest.fixture(scope="module")
def every(folder, clips):
    donors = Donors([AVSBench(folder / "AVSBENCH", "s4", "test", RATE)])
    return {condition.name: condition for condition in conditions(clips, donors, seed=0)}


def level(sound):
    return 20 * np.log10(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))


def tone(hertz, seconds=2):
    return (
        (0.1 * np.sin(2 * np.pi * hertz * np.arange(seconds * RATE) / RATE)).astype(np.float32).reshape(seconds, RATE)
    )


def test_conditions_change_what_they_say_and_nothing_else(clips, every):
    for index in range(len(clips)):
        clip = clips[index]
        for condition in every.values():
            if not condition.applies(clips.clips[index]):
                assert condition.name == "off-screen"
                continue
            altered, again = condition.alter(clip), condition.alter(clip)
            frames, sound = np.array_equal(altered.frames, clip.frames), np.array_equal(altered.snippets, clip.snippets)
            changes = {"clean": (True, True), "frame fault": (False, True)}.get(condition.group, (True, False))
            assert (frames, sound) == changes, condition.name
            assert altered.masks is clip.masks and altered.snippets.dtype == np.float32
            assert altered.frames.dtype == np.uint8 and altered.frames.shape == clip.frames.shape
            assert np.array_equal(altered.snippets, again.snippets) and np.array_equal(altered.frames, again.frames)


def test_negative_sounds(clips, every):
    clip = clips[0]
    assert not every["silence"].alter(clip).snippets.any()
    assert level(every["noise"].alter(clip).snippets) == pytest.approx(20 * np.log10(1 / np.sqrt(3)), abs=0.1)
    assert {name for name, condition in every.items() if condition.group == NEGATIVE} == {
        "silence",
        "noise",
        "off-screen",
    }


def test_an_off_screen_sound_is_of_an_s4_clip_whose_class_is_not_in_view(folder, clips, every):
    donors = AVSBench(folder / "AVSBENCH", "s4", "test", RATE)
    by_class = {paths.category: donors[index].snippets for index, paths in enumerate(donors.clips)}
    applied = [index for index, paths in enumerate(clips.clips) if every["off-screen"].applies(paths)]
    assert applied
    for index in applied:
        sound = every["off-screen"].alter(clips[index]).snippets
        names = {name for name, known in by_class.items() if np.array_equal(known, sound)}
        assert names and not names & clips.clips[index].in_view
    assert not every["off-screen"].applies(replace(clips.clips[0], in_view=frozenset())), "not known"


@pytest.mark.parametrize("snr_db", [20, -10])
def test_noise_and_motor_have_their_ratio(clips, every, snr_db):
    clip = clips[0]
    noise = every[f"SNR {snr_db} dB"].alter(clip).snippets - clip.snippets
    assert level(clip.snippets) - level(noise) == pytest.approx(snr_db, abs=0.1)
    assert level(every["motor"].alter(clip).snippets - clip.snippets) == pytest.approx(level(clip.snippets), abs=0.1)


def test_faults_of_a_microphone():
    assert np.abs(clipped(tone(1000))).max() == 1 and level(clipped(tone(1000) / 100)) == pytest.approx(
        level(tone(1000)) - 20, abs=0.01
    )
    for hertz, damping_db in ((1000, 0), (100, -30), (7000, -20)):
        change = level(telephone(tone(hertz), RATE)[1]) - level(tone(hertz)[1])
        assert change == pytest.approx(0, abs=0.5) if damping_db == 0 else change < damping_db
    click = np.zeros((2, RATE), np.float32)
    click[0, 100] = 0.5
    heard = reverberant(click, RATE, np.random.default_rng(0))
    assert level(heard) == pytest.approx(level(click), abs=0.1) and heard.shape == click.shape
    early, late = level(heard[0, 200:1800]), level(heard[0, 200 + RATE // 2 : 1800 + RATE // 2])
    assert early - late == pytest.approx(60 * 0.5 / 0.8, abs=2), "60 dB in 0.8 s"


def scores(**values):
    return Scores(
        **{
            "clips": 9,
            "left_out": 0,
            "miou": 0.0,
            "fscore": 0.0,
            "miou_sounding": 0.0,
            "painted": 0.0,
            "area": 0.0,
            **values,
        }
    )


def test_global_metrics_by_hand(every):
    """A network that ignores the sound keeps its masks: 0.8 with the right one, 0.7 with another."""
    chosen = select(list(every.values()), ["silence", "noise", "off-screen"])
    negative = {"miou": 0.9, "miou_sounding": 0.7, "fscore": 0.5, "painted": 1.0, "area": 0.2}
    table = {condition.name: {"network": scores(**negative), "gated": scores()} for condition in chosen}
    table["clean"] = dict.fromkeys(("network", "gated"), scores(miou=0.8, fscore=0.9))
    table["off-screen"]["network"] = None  # not measured: the mean is over the others
    found = global_metrics(table, chosen, "network")
    assert found["G-mIoU"] == pytest.approx(2 * 0.8 * 0.3 / 1.1) and found["G-F"] == pytest.approx(2 * 0.9 * 0.5 / 1.4)
    assert (found["FPR"], found["frames painted"]) == pytest.approx((0.2, 1.0))
    assert global_metrics(table, chosen, "gated")["G-mIoU"] == pytest.approx(2 * 0.8 / 1.8)
    assert global_metrics(table, chosen[:1], "gated") == {}
    assert harmonic_mean(0, 0) == 0 and harmonic_mean(0.86, 0.14) == pytest.approx(0.2408)


def test_the_command_writes_table_page_and_plot(folder, monkeypatch, capsys):
    """Of one clip and four conditions, in the place of all; of more with options."""
    monkeypatch.chdir(folder)
    measure, choose = bench.measure, module.select
    few = ["silence", "off-screen", "motor", "dark"]
    monkeypatch.setattr(module, "select", lambda every, only: choose(every, only or few))
    monkeypatch.setattr(bench, "measure", lambda *given: measure(*given[:3], 1, *given[4:]))
    main(printed("c3n robustness"))
    said = capsys.readouterr().out
    results = json.loads((folder / "robust/robustness.json").read_text())
    page = (folder / "robust/robustness.md").read_text()
    assert "| S4 |" in said and "wrote" in said
    assert list(results["settings"]) == ["s4", "ms3"] and results["command"].startswith("c3n robustness ")
    for setting in ("s4", "ms3"):
        measured = results["settings"][setting]["conditions"]
        assert list(measured) == ["clean", "silence", "off-screen", "motor", "dark"]
        assert measured["clean"]["network"]["clips"] == 1
        assert measured["silence"]["gated"]["painted"] == 0, "silence is never published"
        assert f"## {setting.upper()}" in page
    assert (folder / "robust/robustness.png").read_bytes().startswith(b"\x89PNG")
    monkeypatch.setattr(bench, "measure", measure)
    command = ["robustness", "s4.safetensors", "AVSBENCH", "-o", "robust", "--device", "cpu"]
    main([*command, "--setting", "ms3", "--clips", "2", "--only", "silence"])
    results = json.loads((folder / "robust/robustness.json").read_text())["settings"]
    assert list(results) == ["ms3"] and list(results["ms3"]["conditions"]) == ["clean", "silence"]
    assert results["ms3"]["conditions"]["clean"]["network"]["clips"] == 2
    with pytest.raises(SystemExit, match="no condition is called 'fog'"):
        main([*command, "--only", "fog"])
    with pytest.raises(SystemExit, match="--clips is 0"):
        main([*command, "--clips", "0"])
