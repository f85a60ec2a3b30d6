"""`c3n segment` and `c3n train`, ended by SIGKILL at random moments: no final name has half a file, and both can be called again.

C3N_KILLS=50 for the long run.
"""

import json
import os
import random
import shutil

import av
import cv2
import pytest
import torch
from killed_command import Forker
from safetensors.torch import load_file
from scene_video import write_scene_video
from tiny import make_tiny_model

from c3n_model.progress import silent
from c3n_model.synthetic.synthesize import synthesize
from c3n_model.weights.checkpoint import load_checkpoint, save_model

KILLS = int(os.environ.get("C3N_KILLS", 3))
CONFIG = """
model: {visual: test_resnet, channels: 8, image_size: 64}
train: {epochs: 2, batch_size: 2, save_every: 1, negatives: 0.3}
"""
TRAIN = "train scenes --config tiny.yaml --classifiers tiny.safetensors --device cpu --workers 0 -o"


@pytest.fixture
def folder(tmp_path):
    """A video, four scenes, a config, and a model."""
    write_scene_video(tmp_path / "scene.mp4", 6)
    synthesize(tmp_path / "scenes", "ms3", {"train": 4, "val": 1, "test": 1}, seed=0, progress=silent)
    (tmp_path / "tiny.yaml").write_text(CONFIG)
    save_model(tmp_path / "tiny.safetensors", make_tiny_model())
    return tmp_path


def check_results(out):
    """Read every file of `c3n segment` that has its final name; return {name: content} of masks and labels."""
    found = {}
    for file in sorted(path for path in out.rglob("*") if path.is_file() and not path.name.endswith(".partial")):
        if file.suffix == ".png":
            found[file.name] = cv2.imread(str(file), cv2.IMREAD_UNCHANGED).tobytes()
        elif file.suffix == ".mp4":
            with av.open(str(file)) as video:
                assert sum(1 for _ in video.decode(video=0)) > 50
        elif file.suffix == ".jsonl":
            found[file.name] = [json.loads(line)["mask"] for line in file.read_text().splitlines()]
            assert found[file.name]
    return found


def test_a_killed_segmentation_leaves_no_half_file(folder):
    draw = random.Random(0)
    command = "segment scene.mp4 --model tiny.safetensors --device cpu -o"
    with Forker(folder) as forker:
        seconds = forker.run(f"{command} whole")
        whole = check_results(folder / "whole")
        assert len(whole) == 7 and (folder / "whole/overlay.mp4").exists()
        killed = 0
        while killed < KILLS:
            killed += forker.kill(f"{command} out", draw.uniform(0, seconds))
            if (folder / "out").exists():
                check_results(folder / "out")
        forker.run(f"{command} out")
        assert check_results(folder / "out") == whole
        assert not list((folder / "out").rglob("*.partial")), "what the killed ones left is gone"


def check_training(out):
    """Read every file of `c3n train` that has its final name."""
    if out.exists():
        load_checkpoint(out)
    state, run = (out.with_name(f"{out.name}.training") / name for name in ("state.safetensors", "run.json"))
    if state.exists():
        assert load_file(state)
    if run.exists():
        assert "history" in json.loads(run.read_text())


def test_a_killed_training_ends_with_the_same_weights(folder):
    draw = random.Random(1)
    with Forker(folder) as forker:
        seconds = forker.run(f"{TRAIN} whole.safetensors")
        whole = load_checkpoint(folder / "whole.safetensors")
        killed, resumed = 0, 0
        while killed < KILLS:
            was_killed = forker.kill(f"{TRAIN} out.safetensors", draw.uniform(0, seconds))
            killed += was_killed
            check_training(folder / "out.safetensors")
            if not was_killed or killed == KILLS:
                forker.run(f"{TRAIN} out.safetensors")
                assert_same(load_checkpoint(folder / "out.safetensors"), whole)
                resumed += 1
                (folder / "out.safetensors").unlink()
                shutil.rmtree(folder / "out.safetensors.training")
        assert resumed


def assert_same(model, expected):
    found = model.network.state_dict()
    for name, value in expected.network.state_dict().items():
        assert torch.equal(found[name], value), name
    assert model.card["history"] == expected.card["history"]
