"""Mel filter banks against librosa; Kaldi's are tested through the front ends of EfficientAT and BEATs."""

import librosa
import pytest
import torch

from c3n_model.network.audio.mel import check_waveform, kaldi_mel_bands, slaney_mel_bands


@pytest.mark.parametrize(("sample_rate", "n_fft", "high_hz"), [(32000, 1024, 14000), (16000, 512, 8000)])
def test_slaney_bands_equal_librosa(sample_rate, n_fft, high_hz):
    ours = slaney_mel_bands(bands=64, sample_rate=sample_rate, n_fft=n_fft, low_hz=50, high_hz=high_hz)
    theirs = librosa.filters.mel(sr=sample_rate, n_fft=n_fft, n_mels=64, fmin=50, fmax=high_hz)
    torch.testing.assert_close(ours, torch.from_numpy(theirs), rtol=1e-5, atol=1e-8)


def test_kaldi_bands_overlap_to_one_between_the_first_and_the_last_peak():
    bands = kaldi_mel_bands(bands=20, sample_rate=16000, n_fft=512, low_hz=100, high_hz=7000)
    first, last = bands[0].argmax(), bands[-1].argmax()
    torch.testing.assert_close(bands.sum(dim=0)[first + 1 : last], torch.ones(last - first - 1))
    hertz = torch.arange(257) * 16000 / 512
    assert not bands[:, (hertz <= 100) | (hertz >= 7000)].any()


@pytest.mark.parametrize("shape", [(16000,), (2, 1, 16000), (2, 99)])
def test_wrong_waveforms_are_refused(shape):
    with pytest.raises(ValueError, match=r"\(N, samples\).* 100 samples, got \("):
        check_waveform(torch.zeros(shape), 100)
