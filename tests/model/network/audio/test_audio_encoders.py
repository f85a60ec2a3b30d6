"""Every large audio encoder inside C3N: a forward pass and a training step, with random weights."""

import pytest
import torch
from tiny import make_tiny_model

from c3n_model.config import TrainConfig
from c3n_model.network.audio import build_audio_encoder
from c3n_model.training.loop import set_training_mode
from c3n_model.training.optimisation import Optimisation


@pytest.fixture(autouse=True)
def repeated_weights(monkeypatch):
    """Repeat a block of random numbers: to draw a hundred million for each network takes longer than to run it."""
    block, draw = torch.rand(1 << 16), torch.Tensor.uniform_

    def repeat(tensor, low=0.0, high=1.0, *, generator=None):
        if tensor.numel() < len(block):
            return draw(tensor, low, high, generator=generator)
        numbers = block.repeat(-(-tensor.numel() // len(block)))[: tensor.numel()]
        return tensor.copy_(low + (high - low) * numbers.view(tensor.shape))

    monkeypatch.setattr(torch.Tensor, "uniform_", repeat)


@pytest.mark.parametrize("name", ["panns_cnn14", "panns_cnn14_16k", "panns_mobilenet_v1", "beats"])
def test_c3n_segments_and_trains_with(name):
    model = make_tiny_model(audio=name, history=2)
    network, config = model.network, TrainConfig()
    frames, snippets = torch.rand(1, 2, 3, 64, 64), torch.rand(1, 2, model.sample_rate) - 0.5
    masks, has_mask = torch.ones(1, 2, 64, 64), torch.ones(1, 2, dtype=torch.bool)
    with torch.no_grad():
        assert network(frames, snippets).shape == (1, 2, 64, 64)
    assert not any(parameter.requires_grad for parameter in network.audio_encoder.head().parameters())
    optimisation = Optimisation(network, config, torch.device("cpu"), steps=1)
    set_training_mode(network)
    loss = optimisation.update([(frames, snippets, masks, has_mask)])
    assert 0 < loss < float("inf")
    assert all(parameter.grad is None for parameter in network.audio_encoder.parameters())
    assert network.fusions[0].audio.weight.grad.abs().sum() > 0


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="'vgg'.*mn04, mn10, vggish, panns_cnn14, .*, beats"):
        build_audio_encoder("vgg", 9)


@pytest.mark.parametrize("visual", ["pvt_v2_b5", "swin_base_patch4_window7_224"])
@pytest.mark.parametrize("audio", ["vggish", "panns_cnn14_16k", "beats"])
def test_the_paper_s_pairs_segment_and_train(visual, audio):
    model = make_tiny_model(visual=visual, audio=audio, history=1, image_size=224, channels=8)
    network, config = model.network, TrainConfig()
    frames, snippets = torch.rand(1, 1, 3, 224, 224), torch.rand(1, 1, model.sample_rate) - 0.5
    optimisation = Optimisation(network, config, torch.device("cpu"), steps=1)
    set_training_mode(network)
    before = network.visual_encoder.backbone.state_dict()["patch_embed.proj.weight"].clone()
    batch = (frames, snippets, torch.ones(1, 1, 224, 224), torch.ones(1, 1, dtype=torch.bool))
    loss = optimisation.update([batch])
    assert 0 < loss < float("inf")
    assert not torch.equal(before, network.visual_encoder.backbone.state_dict()["patch_embed.proj.weight"])
