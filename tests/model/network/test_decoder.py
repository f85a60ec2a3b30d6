"""The segmentation head: Eq. 15 by hand, and the form for the authors' weights."""

import pytest
import torch

from c3n_model.network.decoder import Decoder, ResidualConv
from c3n_model.network.fusion import upsample


def make_decoder(form: str, *, channels: int = 2, stages: int = 4) -> Decoder:
    torch.manual_seed(0)
    return Decoder(channels, stages, form=form)


@pytest.mark.parametrize(("rectified", "expected"), [(False, [-2.0 + 5, 3.0 + 5 * (3 * 2 + 1)]), (True, [5.0, 38.0])])
def test_residual_conv_by_hand(rectified, expected):
    # One pixel a picture, so only the kernels' centres count: x + 5 relu(2 relu(x) + 1), x = -2 and 3.
    block = ResidualConv(1, rectified=rectified)
    with torch.no_grad():
        for conv, weight, bias in ((block.first, 2.0, 1.0), (block.second, 5.0, 0.0)):
            conv.weight.zero_()[0, 0, 1, 1] = weight
            conv.bias.fill_(bias)
        assert block(torch.tensor([-2.0, 3.0]).view(2, 1, 1, 1)).flatten().tolist() == expected


def test_corners_by_hand():
    # A row 0, 1 to four pixels: at 0, 1/3, 2/3, 1 with aligned corners, else at -1/4, 1/4, 3/4, 5/4, clamped.
    row = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2)
    assert upsample(row, (1, 4), align_corners=True).flatten().tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert upsample(row, (1, 4)).flatten().tolist() == pytest.approx([0, 0.25, 0.75, 1])


@pytest.mark.parametrize("form", ["plain", "authors"])
def test_equation_15_with_convolutions_that_do_nothing(form):
    # All Conv zero: Y_4 = up(M_4), Y_i = up(Y_{i+1} + M_i) for positive maps; constant maps stay constant when enlarged.
    decoder = make_decoder(form)
    with torch.no_grad():
        for block in [*decoder.lateral, *decoder.merge]:
            for parameter in block.parameters():
                parameter.zero_()
        seen = []
        decoder.reduce.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
        maps = [torch.full((1, 2, 16 >> i, 16 >> i), float(10**i)) for i in range(4)]
        logits = decoder(maps, (64, 64))
    assert logits.shape == (1, 64, 64)
    assert torch.allclose(seen[0], torch.full((1, 2, 32, 32), 1111.0))


def test_forms_share_their_weights_and_differ():
    plain, authors = make_decoder("plain"), make_decoder("authors")
    authors.load_state_dict(plain.state_dict())
    maps = [torch.randn(1, 2, 16 >> i, 16 >> i) for i in range(4)]
    with torch.no_grad():
        assert (plain(maps, (64, 64)) - authors(maps, (64, 64))).abs().max() > 1e-3


def test_another_form_is_refused():
    with pytest.raises(ValueError, match="decoder.*'fpn'.*plain, authors"):
        make_decoder("fpn")


@pytest.mark.parametrize("seed", range(8))
def test_a_new_head_begins_near_the_share_of_masks(seed):
    """Starting at 1/2, the ReLUs of a narrow head died in the first updates with one seed in eight."""
    torch.manual_seed(seed)
    decoder = Decoder(8, 4)
    maps = [torch.zeros(1, 8, size, size) for size in (16, 8, 4, 2)]
    assert decoder(maps, (64, 64)).sigmoid().mean().item() == pytest.approx(0.1, abs=0.08)
    assert decoder.classify.bias.sigmoid().item() == pytest.approx(0.1)
