"""The probability that what is heard is in view: its evidence by hand, and as a part of the network, a session and a checkpoint."""

import math

import pytest
import torch
from tiny import make_tiny_model

from c3n_model.loading import load_model
from c3n_model.network.consensus import Consensus
from c3n_model.network.in_view import EVIDENCE, InView, gather_evidence
from c3n_model.presence import decide_presence
from c3n_model.training.start import from_model
from c3n_model.weights.checkpoint import save_model


def consensus(*visual_scores):
    zeros = torch.zeros(len(visual_scores))
    return Consensus(zeros.long(), zeros.long(), zeros, torch.tensor(visual_scores), zeros, zeros)


def judge(weights, bias=0.0, plain=None):
    """A regression with some weights, by their names."""
    fitted = InView()
    for name, value in weights.items():
        fitted.weight[EVIDENCE.index(name)] = value
    for name, value in (plain or {}).items():
        fitted.plain_view[EVIDENCE.index(name)] = value
    fitted.bias.fill_(bias)
    return fitted


def test_evidence_of_a_mask_and_of_none():
    """A quarter of 10 x 10 pixels with logit 2, one of them 4; and an empty mask."""
    logits = torch.full((2, 10, 10), -3.0)
    logits[0, :5, :5] = 2.0
    logits[0, 0, 0] = 4.0
    found = gather_evidence(logits, torch.tensor([0.5, 0.9]), consensus(1 - 1e-4, 0.0))
    inside = (24 / (1 + math.exp(-2)) + 1 / (1 + math.exp(-4))) / 25
    assert found[0].tolist() == pytest.approx(
        [0, 0, 4, math.log(inside / (1 - inside)), math.log(0.25 + 1e-4)], abs=1e-5
    )
    assert found[1].tolist() == pytest.approx([math.log(9), math.log(1e-4), -3, 0, math.log(1e-4)], abs=1e-5)


def test_numbers_stay_finite_for_certain_networks():
    found = gather_evidence(torch.full((1, 4, 4), 1e4), torch.ones(1), consensus(1.0))
    assert found.isfinite().all() and found[0, 2] == 6


def test_in_plain_view_only_the_sound_counts():
    logits = torch.full((1, 10, 10), -3.0)
    seen, plain = judge({"heard": 1.0, "peak": 1.0}, plain={"peak": 2.0})(logits, torch.tensor([0.5]), consensus(0.1))
    assert seen.item() == pytest.approx(1 / (1 + math.exp(3))) and plain.item() == pytest.approx(1 / (1 + math.exp(-2)))
    snippet = torch.full((100,), 0.1).numpy()
    decided = decide_presence(snippet, seen.item(), 0.5, audible=plain.item())
    assert decided.audible and not decided.visible, "heard, but not in view"


@pytest.fixture
def fitted():
    model = make_tiny_model()
    model.network.in_view = judge({"heard": 0.5, "area": 0.1}, bias=1.0)
    return model


def seconds():
    generator = torch.Generator().manual_seed(0)
    return torch.rand(2, 3, 64, 64, generator=generator), torch.rand(2, 32000, generator=generator) - 0.5


@torch.no_grad()
def decoded(network):
    return network.decode(network.encode(*seconds()), torch.tensor([[True, True]]))


def test_the_networks_presence_is_what_was_fitted(fitted):
    plain, found = decoded(make_tiny_model().network), decoded(fitted.network)
    assert plain.audible is None and torch.equal(plain.logits, found.logits)
    expected = fitted.network.in_view(plain.logits, plain.presence, plain.consensus)
    assert torch.equal(found.presence, expected[0]) and torch.equal(found.audible, expected[1])
    assert not torch.allclose(found.presence, plain.presence)


def test_it_is_a_part_of_the_checkpoint(fitted, tmp_path):
    save_model(tmp_path / "fitted.safetensors", fitted)
    loaded = load_model(tmp_path / "fitted.safetensors")
    assert torch.equal(decoded(loaded.network).presence, decoded(fitted.network).presence)
    assert loaded.fingerprint == fitted.fingerprint != make_tiny_model().fingerprint


def test_a_warm_start_leaves_it_out(fitted, tmp_path):
    save_model(tmp_path / "fitted.safetensors", fitted)
    started = from_model("next", fitted.config, tmp_path / "fitted.safetensors", seed=0)
    assert started.network.in_view is None and decoded(started.network).audible is None
