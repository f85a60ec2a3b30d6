"""A tiny C3N with random weights, for tests."""

from __future__ import annotations

import torch

from c3n_model.config import ModelConfig
from c3n_model.model import Model
from c3n_model.network.consensus import label_similarity
from c3n_model.synthetic import world
from c3n_model.weights.checkpoint import build_network


def make_tiny_model(**settings) -> Model:
    """A C3N of the synthetic world with random weights: test_resnet, C = 8, 64 x 64."""
    torch.manual_seed(0)
    config = ModelConfig(**{"visual": "test_resnet", "channels": 8, "image_size": 64, **settings})
    similarity = label_similarity(*(torch.from_numpy(table) for table in world.label_embeddings()))
    network = build_network(config, similarity).eval()
    return Model("tiny", network, config, world.AUDIO_LABELS, world.VISUAL_LABELS)
