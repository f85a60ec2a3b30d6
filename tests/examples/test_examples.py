"""The scripts in examples/ and the README's Python lines, run as they stand."""

import json
import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scene_video import write_scene_video

from c3n_model.data.avsbench_object import write_png
from c3n_model.loading import load_model
from c3n_model.synthetic import world
from c3n_model.synthetic.scenes import make_scene
from c3n_model.synthetic.synthesize import scene_clip

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 2


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """`run("example.py", ...)` runs a script in an empty folder, in this process, where torch is loaded; returns what it prints."""
    monkeypatch.chdir(tmp_path)

    def run_script(name, *arguments):
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        capsys.readouterr()
        runpy.run_path(str(ROOT / "examples" / name), run_name="__main__")
        return capsys.readouterr().out

    return run_script


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_scene_video(tmp_path_factory.mktemp("video") / "clip.mp4", seconds=SECONDS)


def test_segment_clip_writes_one_mask_per_second(tmp_path, clip, run):
    printed = run("segment_clip.py", clip, "out", "--model", "demo")
    lines = (tmp_path / "out/labels.jsonl").read_text().splitlines()
    assert len(lines) == len(list((tmp_path / "out/masks").iterdir())) == SECONDS
    assert (tmp_path / "out/overlay.mp4").stat().st_size > 1000
    sounding = [json.loads(line)["label"]["audio"] for line in lines if json.loads(line)["objects"]]
    assert sounding
    assert all(name in printed for name in sounding)


def test_readme_python_lines_segment_a_video(clip, monkeypatch, capsys):
    """The README's own code block, with the embedded model in the place of zero_shot, which must be downloaded."""
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    assert 'load_model("zero_shot")' in code
    assert len([line for line in code.splitlines() if line]) <= 5
    monkeypatch.chdir(clip.parent)
    exec(code.replace('"zero_shot"', '"demo"'), {})
    assert len(capsys.readouterr().out.splitlines()) == SECONDS


def test_train_on_folder_writes_a_model(tmp_path, run):
    for split, count in (("train", 2), ("val", 1)):
        for index in range(count):
            write_own_clip(tmp_path / "clips" / split / f"clip_{index}", make_scene("ms3", 7, split, index))
    printed = run("train_on_folder.py", "clips", "tuned.safetensors", "--epochs", 1, "--batch-size", 2)
    assert "tuned.safetensors" in printed
    tuned, demo = load_model(tmp_path / "tuned.safetensors"), load_model("demo")
    assert len(tuned.card["history"]) == 1
    assert tuned.fingerprint != demo.fingerprint
    assert tuned.visual_labels == demo.visual_labels


def write_own_clip(folder, scene):
    """A synthetic scene in the layout that train_on_folder.py reads."""
    folder.mkdir(parents=True)
    clip = scene_clip(scene, folder.name)
    for number, (frame, mask) in enumerate(zip(clip.frames, clip.masks), 1):
        write_png(folder / f"{number}.png", frame[..., ::-1])
        write_png(folder / f"{number}_mask.png", mask.astype(np.uint8) * 255)
    soundfile.write(folder / "sound.wav", scene.sound(), world.SAMPLE_RATE)
