"""Train a tiny network on a folder of scenes: python tests/tiny_training.py SCENES OUT, or `train` in a test's own process."""

import sys
from pathlib import Path

import torch
from tiny import make_tiny_model

from c3n_model.config import TrainConfig
from c3n_model.data.avsbench import AVSBench
from c3n_model.progress import silent
from c3n_model.training.distributed import process_group
from c3n_model.training.run import fit_model


def train(scenes: Path, out: Path) -> None:
    """Train on all scenes for two epochs; in a process that torchrun has started as one of its group."""
    config = TrainConfig(epochs=2, batch_size=4, learning_rate=1e-3, backbone_learning_rate=1e-3, color_jitter=False)
    splits = {split: [AVSBench(scenes, kind, split, 32000) for kind in ("s4", "ms3")] for split in ("train", "val")}
    model = make_tiny_model(fusion_norm=False)
    with process_group() as group:
        fit_model(model, splits, config, torch.device("cpu"), out, silent, workers=0, group=group)


if __name__ == "__main__":
    torch.set_num_threads(1)
    train(Path(sys.argv[1]), Path(sys.argv[2]))
