"""Training in two processes of torchrun gives the same network as in one."""

import os
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from c3n_model.progress import silent
from c3n_model.synthetic.synthesize import synthesize
from c3n_model.training.distributed import SINGLE_PROCESS, local_device, process_group

TRAINING = """
import sys
from pathlib import Path
import torch
from tiny import make_tiny_model
from c3n_model.config import TrainConfig
from c3n_model.data.avsbench import AVSBench
from c3n_model.training.distributed import process_group
from c3n_model.progress import silent
from c3n_model.training.run import fit_model

torch.set_num_threads(1)
scenes, out = map(Path, sys.argv[1:])
config = TrainConfig(epochs=2, batch_size=4, learning_rate=1e-3, backbone_learning_rate=1e-3, color_jitter=False)
splits = {split: [AVSBench(scenes, kind, split, 32000) for kind in ("s4", "ms3")] for split in ("train", "val")}
with process_group() as group:
    fit_model(make_tiny_model(fusion_norm=False), splits, config, torch.device("cpu"), out, silent, workers=0, group=group)
"""


def test_two_processes_train_what_one_does(tmp_path):
    for setting in ("s4", "ms3"):
        synthesize(tmp_path / "scenes", setting, {"train": 4, "val": 1}, seed=0, progress=silent)
    (tmp_path / "training.py").write_text(TRAINING)
    script = [str(tmp_path / "training.py"), str(tmp_path / "scenes")]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for command, out in (([sys.executable], "one"), (torchrun, "two")):
        subprocess.run(
            [*command, *script, str(tmp_path / f"{out}.safetensors")], check=True, timeout=240,
            env=environment,
        )  # fmt: skip
    one, two = (load_file(tmp_path / f"{name}.safetensors") for name in ("one", "two"))
    for name, value in one.items():
        torch.testing.assert_close(
            two[name], value, rtol=1e-3, atol=2e-5, msg=lambda text, name=name: f"{name}: {text}"
        )


def test_a_single_process_is_a_group_of_one(monkeypatch):
    with process_group() as group:
        assert group == SINGLE_PROCESS
        assert group.is_main
        assert group.total(torch.tensor(3.0)) == 3
        assert group.from_main(0.25, torch.device("cpu")) == 0.25


@pytest.mark.parametrize(
    ("device", "expected"), [("auto", "cuda:1"), ("cuda", "cuda:1"), ("cpu", "cpu"), ("cuda:0", "cuda:0")]
)
def test_every_process_takes_its_own_gpu(monkeypatch, device, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert local_device(device) == device
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert local_device(device) == expected
