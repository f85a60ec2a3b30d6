"""Forms for static graphs give what the plain layers give."""

import pytest
import torch
from tiny import make_tiny_model
from torch import nn

from c3n_model.deployment.graph_forms import ChannelsFirstFusion, enter_layout, prepare_for_graph
from c3n_model.network.decoder import Decoder
from c3n_model.network.fusion import CrossModalNonLocal


@pytest.mark.parametrize("normalise", [False, True])
def test_a_fusion_with_channels_first_is_the_plain_one(normalise):
    fusion = CrossModalNonLocal(6, 5, normalise=normalise).eval()
    if normalise:
        nn.init.uniform_(fusion.batch_norm.weight)
        nn.init.uniform_(fusion.batch_norm.running_mean)
        nn.init.uniform_(fusion.layer_norm.weight)
    visual, context = torch.rand(2, 6, 3, 4), torch.rand(2, 3, 3)
    torch.testing.assert_close(ChannelsFirstFusion(fusion)(visual, context), fusion(visual, context))


def test_the_layout_changes_no_number():
    maps = torch.rand(1, 3, 4, 5) - 0.5
    assert torch.equal(enter_layout(maps), maps)


@torch.no_grad()
def test_a_network_for_a_graph_computes_the_same_and_leaves_the_other_as_it_is(monkeypatch):
    monkeypatch.setattr("c3n_model.network.prepared.WORTHWHILE_CHANNELS", {torch.float32: 1})
    network = make_tiny_model(history=2).network
    learning = [p.requires_grad for p in network.parameters()]
    prepared = prepare_for_graph(network)
    assert type(prepared.decoder) is Decoder and prepared.decoder is not network.decoder
    clip = torch.rand(1, 2, 3, 64, 64), torch.rand(1, 2, 32000) - 0.5
    torch.testing.assert_close(prepared(*clip), network(*clip), atol=1e-5, rtol=1e-4)
    assert [p.requires_grad for p in network.parameters()] == learning
