"""YAMNet: its size, its padding, and its seconds."""

import pytest
import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from c3n_model.network.audio.vggish import LogMel
from c3n_model.network.audio.yamnet import NUM_CLASSES, SAMPLE_RATE, SameConvolution, YAMNet


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return YAMNet().eval()


def noise(seconds: int) -> torch.Tensor:
    return 0.1 * torch.randn(2, seconds * SAMPLE_RATE, generator=torch.Generator().manual_seed(seconds))


@torch.no_grad()
def test_it_has_the_published_size(network):
    """README of tensorflow/models/research/audioset/yamnet: 3.7 M weights, 69.2 M multiplications for each 0.96 s."""
    assert sum(weight.numel() for weight in network.parameters()) == pytest.approx(3.7e6, rel=0.02)
    example = network.front_end(noise(1)[:1])
    with FlopCounterMode(display=False) as counter:
        network.classifier(network.layers(example).mean(dim=(2, 3)))
    assert counter.get_total_flops() / 2 == pytest.approx(69.2e6, rel=0.02)


@torch.no_grad()
def test_the_logits_of_a_recording_are_the_means_of_those_of_its_seconds_by_their_level(network):
    """Here the second second is half as loud, and the third is silent: 2 / 3 and 1 / 3."""
    recording = noise(1).repeat(1, 3) * torch.tensor([1.0, 0.5, 0.0]).repeat_interleave(SAMPLE_RATE)
    embedding, logits = network(recording)
    assert embedding.shape == (2, 1024) and logits.shape == (2, NUM_CLASSES)
    first, second, _ = (network(part)[1] for part in recording.split(SAMPLE_RATE, dim=1))
    assert torch.allclose(logits, (2 * first + second) / 3, atol=1e-4)
    silence = torch.zeros(1, 2 * SAMPLE_RATE)
    assert torch.allclose(network(silence)[1], network(silence[:, :SAMPLE_RATE])[1], atol=1e-5)


@torch.no_grad()
def test_less_than_a_second_is_refused(network):
    with pytest.raises(ValueError, match="at least 16000 samples"):
        network(noise(1)[:, 1:])


def test_the_front_end_is_vggishs_with_another_offset():
    waveform = noise(1)
    vggish, ours = LogMel(), LogMel(log_offset=0.001)
    assert torch.allclose(ours(waveform).exp() - 0.001, vggish(waveform).exp() - 0.01, atol=1e-5)


@pytest.mark.parametrize(
    ("kernel", "stride", "first", "last"),
    [(3, 1, 1 + 2 + 4 + 5, 5 + 6 + 8 + 9), (3, 2, 45, 9), (1, 1, 1, 9)],
)
def test_maps_are_padded_as_tensorflows_same(kernel, stride, first, last):
    """With a stride of one, the windows at both ends see one missing row; with two, the first sees none and the last does."""
    layer = SameConvolution(1, 1, kernel=kernel, stride=stride)
    torch.nn.init.ones_(layer.convolution.weight)
    torch.nn.init.zeros_(layer.convolution.bias)
    three = torch.arange(1.0, 10).reshape(3, 3)
    maps = F.pad(three, (0, 1, 0, 1)) if stride == 2 else three  # even sides, as all that a stride of two meets
    answer = layer(maps[None, None] / 10)[0, 0]
    assert answer[0, 0].item() == pytest.approx(min(first / 10, 6))
    assert answer[-1, -1].item() == pytest.approx(min(last / 10, 6))
    assert answer.shape == ((2, 2) if stride == 2 else (3, 3))
