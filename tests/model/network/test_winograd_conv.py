"""Winograd's convolution against the definition of a convolution."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from c3n_model.network.decoder import Decoder
from c3n_model.network.prepared import PreparedDecoder
from c3n_model.network.winograd_conv import KERNELS, OUTPUTS, SIGNALS, WORTHWHILE_CHANNELS, WinogradConv


def test_four_outputs_by_hand():
    signal, taps = np.array([1.0, 2, 3, 4, 5, 6]), np.array([1.0, 10, 100])
    np.testing.assert_allclose(OUTPUTS @ ((KERNELS @ taps) * (SIGNALS @ signal)), [321, 432, 543, 654])


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 3), st.integers(1, 5), st.integers(1, 4), st.integers(1, 13), st.integers(1, 13), st.integers(0, 99)
)
@torch.no_grad()
def test_any_map(frames, channels, out, height, width, seed):
    generator = torch.Generator().manual_seed(seed)
    conv = nn.Conv2d(channels, out, kernel_size=3, padding=1)
    for values in conv.parameters():
        values.copy_(torch.randn(values.shape, generator=generator))
    maps = torch.randn(frames, channels, height, width, generator=generator)
    for laid_out in (maps, maps.to(memory_format=torch.channels_last)):
        torch.testing.assert_close(WinogradConv(conv)(laid_out), conv(maps), rtol=1e-5, atol=3e-5)


@torch.no_grad()
def test_rounding():
    """With the usual points it is four times as much."""
    torch.manual_seed(0)
    conv = nn.Conv2d(256, 256, kernel_size=3, padding=1)
    nn.init.kaiming_normal_(conv.weight)
    maps = torch.randn(1, 256, 28, 28).relu()
    exact = F.conv2d(maps.double(), conv.weight.double(), conv.bias.double(), padding=1)
    assert float((WinogradConv(conv)(maps) - exact).abs().max()) < 5e-6 * float(exact.abs().max())


@torch.no_grad()
def test_other_precisions_are_left_to_the_library():
    conv = nn.Conv2d(8, 8, kernel_size=3, padding=1).to(torch.bfloat16)
    maps = torch.randn(1, 8, 12, 12).to(torch.bfloat16)
    assert torch.equal(WinogradConv(conv)(maps), conv(maps))


@pytest.mark.parametrize("form", ["plain", "authors"])
@torch.no_grad()
def test_a_decoder_of_wide_maps(form):
    torch.manual_seed(0)
    decoder = Decoder(WORTHWHILE_CHANNELS, 4, form=form).eval()
    maps = [torch.randn(2, WORTHWHILE_CHANNELS, size, size + 2) for size in (24, 12, 6, 3)]
    prepared = PreparedDecoder(decoder, torch.float32)
    used = [name for name, part in prepared.named_modules() if isinstance(part, WinogradConv)]
    assert len(used) == 8 and all(".0." in name or ".1." in name for name in used)
    expected = decoder(maps, (96, 104))
    torch.testing.assert_close(prepared(maps, (96, 104)), expected, rtol=1e-5, atol=1e-5)
    assert not any(isinstance(part, WinogradConv) for part in decoder.modules())
    assert not any(isinstance(part, WinogradConv) for part in PreparedDecoder(decoder, torch.bfloat16).modules())
