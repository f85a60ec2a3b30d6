"""Shared fixtures: a tiny C3N with random weights, and where real data lies (absent on most machines)."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from c3n_model.checkpoint import Model, build_network
from c3n_model.config import ModelConfig
from c3n_model.data import synthetic_world as world
from c3n_model.network.consensus import label_similarity

REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "realdata"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real clips and weights; the test is skipped where there is none."""
    if not REAL_DATA.is_dir():
        pytest.skip("needs real weights and clips in ../shared/realdata")
    return REAL_DATA


def make_tiny_model(**settings) -> Model:
    """A C3N of the synthetic world with random weights: test_resnet, C = 8, 64 x 64."""
    torch.manual_seed(0)
    config = ModelConfig(**{"visual": "test_resnet", "channels": 8, "image_size": 64, **settings})
    similarity = label_similarity(*(torch.from_numpy(table) for table in world.label_embeddings()))
    network = build_network(config, similarity).eval()
    return Model("tiny", network, config, world.AUDIO_LABELS, world.VISUAL_LABELS)


@pytest.fixture
def tiny_model() -> Model:
    return make_tiny_model()
