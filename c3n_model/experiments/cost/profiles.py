"""Models of a config with random weights, whose time and memory are those of trained ones."""

from __future__ import annotations

import torch

from c3n_model.config import ModelConfig
from c3n_model.labels.names import AUDIOSET_CLASSES, IMAGENET_CLASSES
from c3n_model.model import Model
from c3n_model.weights.checkpoint import build_network


def random_model(name: str, config: ModelConfig) -> Model:
    """Build a C3N for AudioSet's and ImageNet's classes, numbered, with random similarities. Always the same one."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        similarity = torch.rand(AUDIOSET_CLASSES, IMAGENET_CLASSES) - 0.5
        network = build_network(config, similarity).eval()
    audio, visual = (tuple(f"class {number}" for number in range(count)) for count in similarity.shape)
    return Model(name, network, config, audio, visual, {"note": "random weights, to measure time alone"})
