"""What a training needs: operations by hand, the rest by the printed assumptions, and the page that quotes it."""

from dataclasses import fields
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from c3n_model.config import Config, ModelConfig, TrainConfig, from_mapping, read_config
from c3n_model.experiments.cost import training_cost as module
from c3n_model.experiments.cost.training_cost import ABOUT, SETS, Assumptions, conv_backward_flop, training_cost

ROOT = Path(__file__).resolve().parents[4]
MODEL = ModelConfig(visual="test_resnet", audio="mn04", channels=8, image_size=64, history=3)
ASSUME = Assumptions(1.0, 0.5, 3.0, 0.5, 0.25, 500.0, 0.36, 0.1)


def config(**train):
    others = {field.name: None for field in fields(Config)}
    return Config(**{**others, "model": MODEL, "train": from_mapping(TrainConfig, train)})


@pytest.fixture(scope="module")
def trained():
    return training_cost(config(epochs=4), 1000, ASSUME)


def backward_macs(layer, *shape):
    images = torch.empty(*shape, device="meta", requires_grad=True)
    result = layer.to("meta")(images)
    mapping = {torch.ops.aten.convolution_backward: conv_backward_flop}
    with FlopCounterMode(display=False, custom_mapping=mapping) as counter:
        result.sum().backward()
    return counter.get_total_flops() // 2


def test_convolutions_count_as_much_backward_as_forward_for_each_gradient():
    assert backward_macs(nn.Conv2d(4, 6, 3, padding=1), 2, 4, 5, 5) == 2 * (2 * 25 * 6 * 4 * 9)
    assert backward_macs(nn.Conv2d(8, 8, 3, padding=1, groups=8), 2, 8, 5, 5) == 2 * (2 * 25 * 8 * 9)
    assert backward_macs(nn.ConvTranspose2d(4, 6, 2, stride=2), 1, 4, 5, 5) == 2 * (25 * 4 * 6 * 4)
    frozen = nn.Conv2d(4, 6, 1).requires_grad_(False)
    assert backward_macs(frozen, 1, 4, 5, 5) == 25 * 6 * 4


def test_hours_disk_and_money_follow_from_the_assumptions(trained):
    assert trained.gpu_hours == pytest.approx(4 * 1000 * 2 * trained.step_macs / 0.5e12 / 3600)
    assert trained.compose_core_hours == pytest.approx(0.1) and trained.clips_gigabytes == pytest.approx(0.5)
    assert trained.loading_cores_per_gpu == pytest.approx(0.1 / (2 * trained.step_macs / 0.5e12))
    disk = trained.clips_gigabytes + sum(size for _, _, size, _ in SETS)
    assert trained.usd == pytest.approx(3 * trained.gpu_hours + 0.5 * (0.1 + 4 * 1000 * 0.1 / 3600) + 0.25 * disk)


def test_a_step_costs_less_than_three_passes_and_a_frozen_backbone_less(trained):
    assert trained.forward_macs < trained.step_macs < 3 * trained.forward_macs  # the audio encoder is frozen
    frozen = training_cost(config(freeze_backbone=True), 1000, ASSUME)
    assert frozen.forward_macs == trained.forward_macs and frozen.parameters == trained.parameters
    assert frozen.step_macs < trained.step_macs and frozen.trained < trained.trained < trained.parameters


def test_cached_features_are_refused():
    with pytest.raises(ValueError, match="cache_features"):
        training_cost(config(cache_features=True, freeze_backbone=True, color_jitter=False), 10)


def test_every_assumption_is_explained_and_the_page_quotes_the_command():
    assert list(ABOUT) == [field.name for field in fields(Assumptions)]
    large = read_config(ROOT / "config/real_large.yaml")
    text = module.to_text(large, training_cost(large, 200_000))
    assert text in (ROOT / "docs/learn.md").read_text(encoding="utf-8")
