"""The IoU to be expected of a mask: its evidence by hand, and as a part of the network, a session and a checkpoint."""

import math

import numpy as np
import pytest
import torch
from tiny import make_tiny_model

from c3n_model.loading import load_model
from c3n_model.network.mask_quality import MaskQuality, gather_evidence
from c3n_model.presence import decide_presence
from c3n_model.training.start import from_model
from c3n_model.weights.checkpoint import save_model


def quality(named, sure, bias=0.0, plain=0.0):
    fitted = MaskQuality()
    fitted.weight.copy_(torch.tensor([named, sure]))
    fitted.plain_view[1] = plain
    fitted.bias.fill_(bias)
    return fitted


def test_evidence_of_a_mask_and_of_none():
    """A quarter of 10 x 10 pixels with logit 2, one of them 4; and an empty mask."""
    logits = torch.full((2, 10, 10), -3.0)
    logits[0, :5, :5] = 2.0
    logits[0, 0, 0] = 4.0
    found = gather_evidence(logits, torch.tensor([0.25, 0.0]))
    inside = (24 / (1 + math.exp(-2)) + 1 / (1 + math.exp(-4))) / 25
    assert found[0].tolist() == pytest.approx([math.log(0.2501), math.log(inside / (1 - inside))], abs=1e-5)
    assert found[1].tolist() == pytest.approx([math.log(1e-4), 0], abs=1e-5)


def test_numbers_stay_finite_for_certain_networks():
    assert gather_evidence(torch.full((1, 4, 4), 1e4), torch.ones(1)).isfinite().all()


def test_what_is_heard_but_not_seen_is_not_in_view():
    """The named class is hardly heard, another one is; both weights are 1."""
    logits = torch.full((1, 10, 10), 0.5)
    named, loudest = torch.tensor([0.01 - 1e-4]), torch.tensor([0.5 - 1e-4])
    expected, plain = quality(1.0, 1.0, bias=1.0, plain=2.0)(logits, named, loudest)
    assert expected.item() == pytest.approx(1 / (1 + math.exp(-(math.log(0.01) + 0.5 + 1.0))))
    assert plain.item() == pytest.approx(1 / (1 + math.exp(-(math.log(0.5) + 2.0 + 1.0))))
    snippet = np.full(100, 0.1, np.float32)
    decided = decide_presence(snippet, expected.item(), 0.5, audible=plain.item())
    assert decided.audible and not decided.visible


@pytest.fixture
def fitted():
    model = make_tiny_model()
    model.network.mask_quality = quality(0.5, 0.1, bias=1.0, plain=1.0)
    return model


@torch.no_grad()
def decoded(network):
    generator = torch.Generator().manual_seed(0)
    frames, snippets = torch.rand(2, 3, 64, 64, generator=generator), torch.rand(2, 32000, generator=generator) - 0.5
    return network.decode(network.encode(frames, snippets), torch.tensor([[True, True]]))


def test_the_networks_presence_is_what_was_fitted(fitted):
    plain, found = decoded(make_tiny_model().network), decoded(fitted.network)
    assert plain.audible is None and torch.equal(plain.logits, found.logits)
    confidence = plain.audio_logits.softmax(dim=1)[:, fitted.network.audible_classes].amax(dim=1)
    expected = fitted.network.mask_quality(plain.logits, plain.consensus.audio_score, confidence)
    assert torch.equal(found.presence, expected[0]) and torch.allclose(found.audible, expected[1])
    assert not torch.allclose(found.presence, plain.presence)


def test_it_is_a_part_of_the_checkpoint(fitted, tmp_path):
    save_model(tmp_path / "fitted.safetensors", fitted)
    loaded = load_model(tmp_path / "fitted.safetensors")
    assert torch.equal(decoded(loaded.network).presence, decoded(fitted.network).presence)
    assert loaded.fingerprint == fitted.fingerprint != make_tiny_model().fingerprint


def test_a_warm_start_leaves_it_out(fitted, tmp_path):
    save_model(tmp_path / "fitted.safetensors", fitted)
    started = from_model("next", fitted.config, tmp_path / "fitted.safetensors", seed=0)
    assert started.network.mask_quality is None and decoded(started.network).audible is None
