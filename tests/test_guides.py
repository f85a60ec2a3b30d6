"""The guides' commands, literally as they are printed: with a short scene in the place of a recording, and the embedded model in the
place of zero_shot, which must be downloaded."""

import json
import os
import re
import shlex
import signal
import threading
import urllib.request
import webbrowser
from pathlib import Path

import pytest
from scene_video import write_scene_video

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


def run_all(name):
    lines = commands_of(name)
    assert len(lines) >= 2
    for line in lines:
        main(shlex.split(line))
    return lines


def test_bags(folder):
    write_scene_video(folder / "clip.mp4", seconds=3)
    assert len(run_all("bags")) == 4
    assert (folder / "back.mp4").stat().st_size > 1000 and (folder / "masks/labels.jsonl").exists()


def test_what_is_done_with_a_saved_bag(folder):
    write_scene_video(folder / "clip.mp4", seconds=3)
    Path("out/live").mkdir(parents=True)
    main(["bag", "make", "clip.mp4", "-o", "out/live/BAG"])
    assert len(run_all("live")) == 2
    assert (folder / "WHY/explain.json").exists()


def test_training(folder, monkeypatch):
    pytest.importorskip("c3n_model.web.local_server", reason='pip install ".[live]"')
    write_scene_video(folder / "clip.mp4", seconds=20)
    reviewer = threading.Thread()

    def keep_everything(address):
        nonlocal reviewer
        reviewer = threading.Thread(target=review, args=(address,))
        reviewer.start()

    monkeypatch.setattr(webbrowser, "open", keep_everything)
    assert len(run_all("training")) == 7
    reviewer.join(timeout=10)
    assert len((folder / "masks/labels.jsonl").read_text().splitlines()) == 20


def review(address):
    """What a person does: keep every second, write the data set, end the command."""
    try:
        for number in range(20):
            post(address + "change", {"number": number, "decision": "keep"})
        assert len(post(address + "write", {})["clips"]) == 4
    finally:
        os.kill(os.getpid(), signal.SIGINT)


def post(address, values):
    request = urllib.request.Request(address, json.dumps(values).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())
