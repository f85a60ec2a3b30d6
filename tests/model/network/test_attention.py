"""CCAM (Eqs. 8-12): gradients and gates, computed by hand."""

import pytest
import torch
from tiny import make_tiny_model

from c3n_model.network.attention import attend, class_activation_weights, linear_attention


def test_weights_of_a_linear_head_by_hand():
    # y_k = sum_z w_kz mean_xy A_z, so d y_k / d A_z = w_kz / 4 at each of the 4 pixels, and so is its spatial mean.
    head = torch.tensor([[1.0, -2.0], [3.0, 5.0]])
    maps = torch.rand(2, 2, 2, 2, requires_grad=True)
    logits = maps.mean(dim=(2, 3)) @ head.T
    (weights,) = class_activation_weights(logits, torch.tensor([1, 0]), [maps])
    assert torch.allclose(weights, torch.tensor([[3.0, 5.0], [1.0, -2.0]]) / 4)
    assert not weights.requires_grad


def test_attend_by_hand():
    # One pixel, two channels 2 and 4; omega = (0, ln 3) -> gates 1/2 and 3/4 -> V^c = (1, 3), mean 2, sigmoid(2) = .8808
    features = torch.tensor([2.0, 4.0]).view(1, 2, 1, 1)
    refined = attend(features, torch.tensor([[0.0, 3.0]]).log1p() * torch.tensor([[0.0, 1.0986123 / 1.3862944]]))
    assert refined.flatten().tolist() == pytest.approx([0.880797, 3 * 0.880797], rel=1e-4)


@pytest.mark.parametrize(("gate", "strength"), [("unit", [0.6, 0.8]), ("standard", [0.6 * 2**0.5, 0.8 * 2**0.5])])
def test_gates_scale_the_weights(gate, strength):
    features = torch.ones(1, 2, 1, 1)
    channel = torch.sigmoid(torch.tensor(strength))
    expected = channel * torch.sigmoid(channel.mean())
    assert torch.allclose(attend(features, torch.tensor([[3e-4, 4e-4]]), gate).flatten(), expected, atol=1e-6)


def test_strength_multiplies_the_argument_of_the_gate():
    features = torch.tensor([2.0, 4.0]).view(1, 2, 1, 1)
    weights = torch.tensor([[0.3, -0.8]])
    assert torch.equal(attend(features, weights, strength=0.5), attend(features, 0.5 * weights))
    halves = attend(features, weights, "standard", strength=0.0)  # 1/2 of each channel, then sigmoid((1 + 2) / 2)
    assert halves.flatten().tolist() == pytest.approx([0.817574, 2 * 0.817574], rel=1e-5)


def test_the_printed_gate_is_nearly_constant():
    # Why the authors normalise and the paper does not say so: real gradients are tiny.
    features = torch.ones(1, 2, 1, 1)
    refined = attend(features, torch.tensor([[3e-4, -4e-4]])).flatten()
    assert abs(refined[0] - refined[1]).item() < 1e-3


def test_maps_that_the_logits_do_not_depend_on_are_refused():
    maps = torch.rand(1, 2, 3, 3, requires_grad=True)
    copy = maps.clone()  # what timm gives of a channels-last backbone
    with pytest.raises(ValueError, match="no gradient .*every stage"):
        class_activation_weights(maps.mean(dim=(2, 3)), torch.tensor([0]), [copy])


def test_no_parameter_gets_a_gradient():
    network = make_tiny_model().network
    with torch.no_grad():
        network.encode(torch.rand(2, 3, 64, 64), torch.rand(2, 32000) - 0.5)
    assert all(parameter.grad is None for parameter in network.parameters())


def test_linear_attention_by_hand():
    # Two channels (2, 4) and (1, -3) of two pixels, omega = (3, -5): (3 * 2 - 5 * 4) / 2 and (3 * 1 + 5 * 3) / 2
    features = torch.tensor([[2.0, 1.0], [4.0, -3.0]]).view(1, 2, 1, 2)
    assert linear_attention(features, torch.tensor([[3.0, -5.0]])).tolist() == [[[-7.0, 9.0]]]
