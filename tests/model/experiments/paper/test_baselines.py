"""TPAVI as settings: the size of its published network, part by part; it trains and predicts."""

from dataclasses import replace

import pytest
import torch
from tiny import make_tiny_model

from c3n_model.config import ModelConfig
from c3n_model.experiments.cost.describe import PAPER_CONFIG, Cost, describe
from c3n_model.experiments.paper.baselines import TPAVI

STAGES = (64, 128, 320, 512)  # channels of PVTv2-b1 to b5


@pytest.fixture(scope="module")
def described():
    published = {**TPAVI, "fusion_norm": True, "decoder": "authors"}
    return describe(replace(ModelConfig(visual="pvt_v2_b1", audio="vggish"), **published))


def test_parameters_of_the_published_network(described):
    assert described.parts["pyramids"].parameters == sum(4 * (width * 256 * 9 + 256) for width in STAGES)
    # of each block: audio 128 -> 256, three 256 -> 128, one back, a batch norm and a layer norm
    block = 129 * 256 + 3 * 257 * 128 + 129 * 256 + 2 * 2 * 256
    assert described.parts["fusions"].parameters == 4 * block
    conv = 256 * 256 * 9 + 256
    head = (256 * 9 + 1) * 128 + (128 * 9 + 1) * 32 + 33
    assert described.parts["decoder"].parameters == 7 * 2 * conv + head
    assert described.parts["attention"] == Cost()  # no backward pass


def test_table_4_does_not_contain_tpavi(described):
    """The baseline is C3N without consensus."""
    papers = replace(described, config=PAPER_CONFIG)
    assert papers.paper is not None
    assert replace(papers, config=replace(PAPER_CONFIG, pyramid="tpavi")).paper is None


def test_sums_cost_the_multiplications_of_their_convolutions(described):
    pixels = [56**2, 28**2, 14**2, 7**2]
    expected = sum(5 * area * 4 * 9 * width * 256 for area, width in zip(pixels, STAGES, strict=True))
    assert described.parts["pyramids"].macs == described.parts["pyramids"].layer_macs == expected


def test_a_mask_is_computed_and_every_new_part_gets_a_gradient():
    network = make_tiny_model(**TPAVI, fusion_norm=True).network.train()
    logits = network(torch.rand(1, 5, 3, 64, 64), torch.rand(1, 5, 32000) - 0.5)
    assert logits.shape == (1, 5, 64, 64)
    logits.sum().backward()
    without = [name for name, weight in network.pyramids.named_parameters() if weight.grad is None]
    assert not without
    assert network.fusions[0].batch_norm.weight.grad.abs().sum() > 0  # starts at zero, and leaves it
