"""Stochastic depth of the visual backbone: which branches are dropped how often, and that nothing else changes."""

import pytest
import torch
from timm.layers import DropPath

from c3n_model.network.visual_encoder import VisualEncoder

SMALL_SWIN = {"embed_dim": 12, "depths": (2, 2, 2, 2), "num_heads": (1, 1, 2, 2)}
BACKBONES = {"pvt_v2_b0": {}, "swin_tiny_patch4_window7_224": SMALL_SWIN, "test_resnet": {}}


def make_encoder(name: str) -> VisualEncoder:
    torch.manual_seed(0)
    encoder = VisualEncoder(name, 7, image_size=64, create_arguments=BACKBONES[name])
    for parameter in encoder.parameters():  # timm starts the residual branches of a ResNet at 0
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter, 1.0, 0.3)
    return encoder


def rates_of(encoder: VisualEncoder) -> list[float]:
    return [module.drop_prob for module in encoder.backbone.modules() if isinstance(module, DropPath)]


def frames() -> torch.Tensor:
    return torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", ["pvt_v2_b0", "swin_tiny_patch4_window7_224"])
def test_rates_grow_linearly_over_the_eight_blocks_two_branches_each(name):
    encoder = make_encoder(name)
    encoder.set_stochastic_depth(0.2)
    expected = [0.2 * block / 7 for block in range(1, 8) for _ in range(2)]  # the first block has rate 0: no DropPath
    assert rates_of(encoder) == pytest.approx(expected)


@pytest.mark.parametrize("name", BACKBONES)
def test_weights_and_eval_mode_stay_bit_equal(name):
    plain, dropping = make_encoder(name).eval(), make_encoder(name)
    parameters = list(dropping.parameters())
    dropping.set_stochastic_depth(0.5)
    dropping.eval()
    assert all(mine is former for mine, former in zip(dropping.parameters(), parameters, strict=True))
    assert list(dropping.state_dict()) == list(plain.state_dict())
    for expected, got in zip(plain(frames())[0], dropping(frames())[0], strict=True):
        assert torch.equal(expected, got)


@pytest.mark.parametrize("name", BACKBONES)
def test_only_a_rate_above_0_makes_training_random(name):
    encoder = make_encoder(name).train()
    for module in encoder.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()
    for rate, is_random in ((0.0, False), (0.5, True), (0.0, False)):
        encoder.set_stochastic_depth(rate)
        first, second = (encoder(frames())[1] for _ in range(2))
        assert torch.equal(first, second) != is_random, rate


def test_the_rate_that_timm_gives_swin_by_default_is_taken_away():
    encoder = VisualEncoder("swin_tiny_patch4_window7_224", 7)
    assert max(rates_of(encoder)) == pytest.approx(0.1)
    encoder.set_stochastic_depth(0.0)
    assert rates_of(encoder) == []


def test_a_dropped_branch_adds_nothing_and_a_kept_one_is_scaled_up():
    """In the last block of PVT at rate 0.5, by hand: x + 0 or x + 2 branch(x), for each frame and each branch."""
    encoder = make_encoder("pvt_v2_b0").train()
    block = encoder.backbone.stages[3].blocks[1]
    tokens = torch.rand(4, 4, 256, generator=torch.Generator().manual_seed(2))
    attention = block.attn(block.norm1(tokens), [2, 2])
    encoder.set_stochastic_depth(0.5)
    torch.manual_seed(3)
    after = tokens + block.drop_path1(attention)
    factors = ((after - tokens) / attention).flatten(1).median(dim=1).values
    assert sorted({round(float(factor), 3) for factor in factors}) == [0.0, 2.0]


def test_a_backbone_without_the_option_is_refused_only_above_0():
    encoder = VisualEncoder("efficientvit_b0", 7)
    encoder.set_stochastic_depth(0.0)
    with pytest.raises(ValueError, match="EfficientVit has no stochastic depth.*stochastic_depth: 0.0"):
        encoder.set_stochastic_depth(0.1)
