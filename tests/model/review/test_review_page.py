"""`c3n review` as a person uses it: in a headless Chromium, and from twenty seconds to a trained and scored model."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
from browser import open_page, screenshot
from scene_video import write_scene_video

from c3n_model.cli import main
from c3n_model.data.avsbench import AVSBench

pytest.importorskip("c3n_model.web.local_server", reason='pip install ".[live]"')
ROOT = Path(__file__).resolve().parents[3]
CONFIG = """
model: {visual: test_resnet, channels: 8, image_size: 64, gate: standard}
pretrain: {visual_steps: 2, audio_steps: 2, batch_size: 4}
train: {epochs: 1, batch_size: 2, color_jitter: false}
"""


@contextmanager
def reviewing(folder, *arguments):
    """Run the command in `folder`; yield the address that it prints, then end it as Ctrl-C does."""
    command = [sys.executable, "-m", "c3n_model", "review", *arguments, "--no-browser", "--port", "0"]
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        line = process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+/", line)
        assert found, line + process.stderr.read()
        yield found[0]
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
        assert "kept" in out and process.returncode == 0
    finally:
        process.kill()
        process.wait()


def post(address, values):
    request = urllib.request.Request(address, json.dumps(values).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


@pytest.mark.browser
def test_keys_and_a_polygon(tmp_path):
    write_scene_video(tmp_path / "clip.mp4", seconds=6)
    main(["segment", str(tmp_path / "clip.mp4"), "-o", str(tmp_path / "masks"), "--device", "cpu"])
    with (
        reviewing(tmp_path, "clip.mp4", "--masks", "masks", "-o", "data") as address,
        open_page(address) as page,
    ):
        page.get_by_text("1 of 6").wait_for()
        for _ in range(5):
            page.keyboard.press("k")
            page.wait_for_timeout(300)
        page.keyboard.press("d")
        page.get_by_text("5 kept, 1 dropped, 0 undecided").wait_for()
        page.keyboard.press("ArrowLeft")
        page.get_by_text("5 of 6").wait_for()
        page.keyboard.press("l")
        page.keyboard.press("Control+A")
        page.keyboard.type("kettle")
        page.keyboard.press("Enter")
        box = page.locator("#picture").bounding_box()
        for x, y in ((0.1, 0.1), (0.4, 0.1), (0.4, 0.5)):
            page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
        page.keyboard.press("o")
        page.wait_for_timeout(500)
        screenshot(page, "review")
        page.keyboard.press("w")
        page.get_by_text("wrote 1 clips: clip_000 (train)").wait_for()
    (verdict,) = [
        one for one in json.loads((tmp_path / "data/reviews/clip.json").read_text()).values() if one["polygons"]
    ]
    assert verdict["label"] == "kettle" and verdict["polygons"][0]["mode"] == "only"
    clip = AVSBench(tmp_path / "data", "ms3", "train", 16_000)[0]
    triangle = clip.masks[4]
    assert (
        0.03 < triangle.mean() < 0.09 and triangle[40, 70] and not triangle[150:].any()
    )  # 0.3 x 0.4 / 2 of the picture


def test_twenty_reviewed_seconds_train_and_evaluate(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_scene_video(tmp_path / "clip.mp4", seconds=20)
    main(["segment", "clip.mp4", "-o", "masks", "--device", "cpu"])
    with reviewing(tmp_path, "clip.mp4", "--masks", "masks", "-o", "data") as address:
        for number in range(20):
            post(address + "change", {"number": number, "decision": "keep"})
        written = post(address + "write", {})
    assert [split for _, split in written["clips"]] == ["train", "val", "train", "test"] and written["left_over"] == 0
    (tmp_path / "small.yaml").write_text(CONFIG)
    main(["pretrain", "--config", "small.yaml", "-o", "classifiers.safetensors"])
    training = ["--config", "small.yaml", "--classifiers", "classifiers.safetensors", "-o", "model.safetensors"]
    main(["train", "data", *training, "--device", "cpu"])
    capsys.readouterr()
    main(["evaluate", "model.safetensors", "data", "--device", "cpu"])
    scores = json.loads(capsys.readouterr().out)["scores"]
    assert set(scores) == {"ms3"} and scores["ms3"]["frames"] == 5
    assert 0 <= scores["ms3"]["official"]["miou"] <= 1
