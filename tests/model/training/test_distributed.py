"""Training in two processes of torchrun gives the same network as in one (which this test's own process trains)."""

import os
import subprocess
import sys

import pytest
import tiny_training
import torch
from safetensors.torch import load_file

from c3n_model.progress import silent
from c3n_model.synthetic.synthesize import synthesize
from c3n_model.training.distributed import SINGLE_PROCESS, local_device, process_group


def test_two_processes_train_what_one_does(tmp_path):
    for setting in ("s4", "ms3"):
        synthesize(tmp_path / "scenes", setting, {"train": 4, "val": 1}, seed=0, progress=silent)
    scenes, one, two = (tmp_path / name for name in ("scenes", "one.safetensors", "two.safetensors"))
    tiny_training.train(scenes, one)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([*torchrun, tiny_training.__file__, scenes, two], check=True, timeout=240, env=environment)
    expected, found = load_file(one), load_file(two)
    for name, value in expected.items():
        torch.testing.assert_close(
            found[name], value, rtol=1e-3, atol=2e-5, msg=lambda text, name=name: f"{name}: {text}"
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
