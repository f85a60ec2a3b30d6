"""Folding batch norms changes no number beyond rounding, neither of the logits nor of what activations are made from."""

import pytest
import timm
import torch
from torch import nn

from c3n_model.network.folded_norms import fold_norms
from c3n_model.network.visual_encoder import VisualEncoder
from c3n_model.zero_shot.localise import class_activation


def with_statistics(name: str, **arguments) -> nn.Module:
    """A network with random weights whose norms have seen other statistics than those they begin with."""
    torch.manual_seed(0)
    network = VisualEncoder(name, 7, **arguments)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_(0, 0.2)
    return network.eval()


@torch.no_grad()
@pytest.mark.parametrize("name", ["mobilenetv2_100", "mobilenetv2_100_tfsame", "resnet18", "efficientnet_b0"])
def test_maps_logits_and_activations_stay(name):
    network, frames = with_statistics(name), torch.rand(2, 3, 64, 64)
    members = torch.arange(7)[None].expand(2, 7) < 2
    before, activation = network(frames), class_activation(network, frames, members)
    fold_norms(network.backbone)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    after, folded = network(frames), class_activation(network, frames, members)
    for old, new in zip([*before[0], before[1], *activation], [*after[0], after[1], *folded], strict=True):
        assert torch.allclose(old, new, rtol=1e-3, atol=1e-4 * old.abs().max().item())


def test_a_network_without_batch_norms_stays_as_it_is():
    network = timm.create_model("pvt_v2_b0", num_classes=7).eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    after = fold_norms(network).state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before) and before.keys() == after.keys()


def test_norms_that_depend_on_the_batch_are_refused():
    with pytest.raises(ValueError, match="eval"):
        fold_norms(timm.create_model("resnet18", num_classes=7))
