"""The guides' commands, literally as they are printed: with a short scene in the place of a recording, and the embedded model in the
place of zero_shot, which must be downloaded. Those of other documents run in the tests of each command: tests/printed_lines.py."""

import json
import re
import shlex
from pathlib import Path

import pytest
from page_command import page_command, post
from scene_video import BELL, HORN, steady_scene, write_scene_video

from c3n_model import loading
from c3n_model.cli import main

ROOT = Path(__file__).resolve().parents[1]
CONFIG = """
model: {visual: test_resnet, channels: 8, image_size: 64, gate: standard}
pretrain: {visual_steps: 2, audio_steps: 2, batch_size: 4}
train: {epochs: 1, batch_size: 2, color_jitter: false}
"""


def commands_of(name):
    """The lines of code blocks of a guide that begin with c3n."""
    text = (ROOT / f"docs/guide/{name}.md").read_text(encoding="utf-8")
    return re.findall(r"^    c3n (.+)$", text, re.M)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    load = loading.load_model
    monkeypatch.setattr(loading, "load_model", lambda name: load("demo" if name == "zero_shot" else name))
    monkeypatch.setattr(loading, "fetch_weights", lambda *_: None)
    (tmp_path / "mine.yaml").write_text(CONFIG)
    return tmp_path


def test_bags(folder):
    write_scene_video(folder / "clip.mp4", seconds=3)
    lines = commands_of("bags")
    assert [line.split()[0] for line in lines] == ["bag", "segment", "explain", "bag"]
    for line in lines:
        main(shlex.split(line))
    assert (folder / "back.mp4").stat().st_size > 1000 and (folder / "masks/labels.jsonl").exists()
    assert (folder / "why/explain.json").exists()


def test_first_steps_and_a_bag_that_the_page_has_saved(folder):
    write_scene_video(folder / "clip.mp4", seconds=2)
    live, segment = commands_of("first_steps")
    assert live.startswith("live ")  # tests/model/live/test_page.py runs it
    main(shlex.split(segment))
    assert len((folder / "masks/labels.jsonl").read_text().splitlines()) == 2
    (folder / "out/live").mkdir(parents=True)
    main(["bag", "make", "clip.mp4", "-o", "out/live/BAG"])
    for line in commands_of("live")[1:]:
        main(shlex.split(line))
    assert (folder / "OUT/labels.jsonl").exists() and (folder / "WHY/explain.json").exists()


def test_encoders(folder, monkeypatch, capsys):
    """The last one, of the paper's network, is run by tests/model/experiments/cost/test_describe.py with its options."""
    monkeypatch.setenv("C3N_WEIGHTS", str(folder))
    listed, verify, describe = commands_of("encoders")
    main(shlex.split(listed))
    assert "pvt_v2_b5" in capsys.readouterr().out
    main(shlex.split(verify))
    assert describe == "describe"


def test_twenty_seconds_are_reviewed_and_train_a_model(folder, capsys):
    pytest.importorskip("c3n_model.web.local_server", reason='pip install ".[live]"')
    write_scene_video(folder / "clip.mp4", seconds=20)
    lines = commands_of("training")[:7]
    assert [line.split()[0] for line in lines] == [
        "segment",
        "review",
        "doctor",
        "pretrain",
        "train",
        "evaluate",
        "segment",
    ]
    printed = {}
    for line in lines:
        words = shlex.split(line)
        if words[0] == "review":
            review(folder, words)
        else:
            main(words)
        printed[words[0]] = capsys.readouterr().out
    scores = json.loads(printed["evaluate"])["scores"]
    assert set(scores) == {"ms3"} and scores["ms3"]["frames"] == 5
    assert 0 <= scores["ms3"]["official"]["miou"] <= 1
    assert len((folder / "masks/labels.jsonl").read_text().splitlines()) == 20


def test_a_model_labels_recordings_and_another_is_trained_on_them(folder, capsys):
    pytest.importorskip("c3n_model.web.local_server", reason='pip install ".[live]"')
    (folder / "recordings").mkdir()
    write_scene_video(folder / "recordings/clip.mp4", 24, steady_scene(*[BELL] * 12, *[HORN] * 12))
    main(["pretrain", "--config", "mine.yaml", "-o", "classifiers.safetensors"])
    label, look, train, evaluate = map(shlex.split, commands_of("training")[7:])
    main(label)
    printed = capsys.readouterr().out
    assert "4 clips (2 train, 1 val, 1 test); dropped: 2 beside another label, 2 without a second" in printed
    assert "recordings/clip.mp4 --masks learnt/proposals/clip " in printed.splitlines()[-1]
    with page_command(folder, *look) as command:
        post(command.address + "change", {"number": 20, "label": "bird"})
        written = post(command.address + "write", {})
    assert [split for _, split in written["clips"]] == ["train", "val", "train", "test"]
    assert "20 seconds kept, 4 dropped, 0 undecided" in command.printed
    main(label)  # complete: what a person changed stays
    assert "1 recordings were complete before" in capsys.readouterr().out
    assert "bird" in (folder / "learnt/reviews/clip.json").read_text()
    main(train)
    capsys.readouterr()
    main(evaluate)
    assert json.loads(capsys.readouterr().out)["scores"]["ms3"]["frames"] == 5


def review(folder, words):
    """What a person does: keep every second, write the data set, end the command."""
    with page_command(folder, *words) as command:
        for number in range(20):
            post(command.address + "change", {"number": number, "decision": "keep"})
        written = post(command.address + "write", {})
    assert [split for _, split in written["clips"]] == ["train", "val", "train", "test"] and written["left_over"] == 0
    assert "20 seconds kept" in command.printed
