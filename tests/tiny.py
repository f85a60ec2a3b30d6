"""A tiny C3N with random weights, for tests."""

from __future__ import annotations

import torch

from c3n_model.config import ModelConfig
from c3n_model.model import Model
from c3n_model.network.consensus import label_similarity
from c3n_model.network.fusion import join_contributions
from c3n_model.synthetic import world
from c3n_model.weights.checkpoint import build_network


def make_tiny_model(**settings) -> Model:
    """A C3N of the synthetic world with random weights: test_resnet, C = 8, 64 x 64."""
    torch.manual_seed(0)
    config = ModelConfig(**{"visual": "test_resnet", "channels": 8, "image_size": 64, **settings})
    similarity = label_similarity(*(torch.from_numpy(table) for table in world.label_embeddings()))
    network = build_network(config, similarity).eval()
    return Model("tiny", network, config, world.AUDIO_LABELS, world.VISUAL_LABELS)


@torch.no_grad()
def make_model_that_listens_back(**settings) -> Model:
    """A tiny C3N whose masks depend on the seconds before. (With random weights embeddings differ by 1e-9 between sounds.)"""
    model = make_tiny_model(**settings)
    network = model.network
    generator = torch.Generator().manual_seed(1)
    loudness = torch.tensor([0.5, 0.05, 0.005])[:, None]
    size = model.config.image_size
    encoding = network.encode(
        torch.rand(3, 3, size, size, generator=generator), loudness * torch.randn(3, 32000, generator=generator)
    )
    for fusion, pyramid, maps in zip(network.fusions, network.pyramids, encoding.visual):
        fusion.audio.weight /= fusion.audio(encoding.audio).std(dim=0).mean()
        fusion.audio.bias.copy_(-(encoding.audio.mean(dim=0) @ fusion.audio.weight.T))
        visual = pyramid(maps)
        contribution = fusion.contribute(visual.mean(dim=(2, 3)), encoding.audio)
        context = join_contributions(contribution[None]).expand(3, -1, -1)
        fusion.theta4.weight *= 30 * visual.std() / (fusion(visual, context) - visual).std()
    return model
