"""Spectra by convolutions are those of the FFT, for every front end."""

import pytest
import torch

from c3n_model.network.audio import AUDIO_ENCODERS, build_audio_encoder
from c3n_model.network.audio.spectra import power_spectrogram, without_fft


@pytest.mark.parametrize("name", AUDIO_ENCODERS)
@torch.no_grad()
def test_every_front_end_gives_the_same(name, monkeypatch):
    with torch.device("meta"):
        built = build_audio_encoder(name, 3)
    with torch.device("cpu"):
        front_end = type(built.front_end)(*((built.sample_rate,) if name.startswith("panns") else ()))
    time = torch.arange(built.sample_rate) / built.sample_rate
    waveform = 0.01 * torch.randn(2, built.sample_rate)
    waveform[0] += 0.5 * torch.sin(2 * torch.pi * 440 * time)
    expected = front_end(waveform)
    with without_fft():
        monkeypatch.setattr(torch, "stft", pytest.fail)
        monkeypatch.setattr(torch.fft, "rfft", pytest.fail)
        found = front_end(waveform)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=2e-3)
    assert (found - expected).abs().mean() < 1e-4


@pytest.mark.parametrize("center", [False, True])
@torch.no_grad()
def test_a_sine_by_hand(center):
    """Eight samples a turn: all of its power is in bin n_fft / 8, with the square of half the sum of the window."""
    waveform = torch.sin(2 * torch.pi * torch.arange(640) / 8 + 0.3)[None].double()
    for fft in (True, False):
        if fft:
            power = power_spectrogram(waveform, torch.ones(64).double(), n_fft=64, hop=16, center=center)
        else:
            with without_fft():
                power = power_spectrogram(waveform, torch.ones(64).double(), n_fft=64, hop=16, center=center)
        middle = power[0, :, power.shape[2] // 2]
        assert middle.argmax() == 8
        assert middle[8].item() == pytest.approx(32**2)
        assert middle.sum().item() == pytest.approx(32**2)
