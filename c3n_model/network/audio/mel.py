"""Shared by the front ends of the audio encoders: mel filter banks and the check of their input."""

from __future__ import annotations

import math

import torch
from torch import Tensor

# Slaney's mel scale: linear below 1 kHz (15 mel there), logarithmic above (6.4 times the frequency every 27 mel).
_SLANEY_HZ_PER_MEL = 200.0 / 3.0
_SLANEY_BREAK_HZ = 1000.0
_SLANEY_LOG_STEP = math.log(6.4) / 27.0


def kaldi_mel_bands(*, bands: int, sample_rate: int, n_fft: int, low_hz: float, high_hz: float) -> Tensor:
    """Compute Kaldi's triangular filters, linear in mel = 1127 ln(1 + f / 700): (bands, n_fft / 2 + 1), peaks near 1."""
    low, high = (1127.0 * math.log1p(hertz / 700.0) for hertz in (low_hz, high_hz))
    edges = torch.linspace(low, high, bands + 2, dtype=torch.float64)
    left, centre, right = (edges[start : start + bands, None] for start in range(3))
    bins = 1127.0 * torch.log1p(_bin_hertz(sample_rate, n_fft) / 700.0)[None]
    rising, falling = (bins - left) / (centre - left), (right - bins) / (right - centre)
    filters = torch.minimum(rising, falling).clamp(min=0)
    filters[:, -1] = 0  # Kaldi omits the Nyquist bin
    return filters.float()


def slaney_mel_bands(*, bands: int, sample_rate: int, n_fft: int, low_hz: float, high_hz: float) -> Tensor:
    """Compute Slaney's triangular filters, linear in hertz and of unit area: (bands, n_fft / 2 + 1).

    Equal to the default of `librosa.filters.mel`, without the dependency on librosa.
    """
    low, high = (_slaney_mel(hertz) for hertz in (low_hz, high_hz))
    mels = torch.linspace(low, high, bands + 2, dtype=torch.float64)
    linear = mels * _SLANEY_HZ_PER_MEL
    break_mel = _SLANEY_BREAK_HZ / _SLANEY_HZ_PER_MEL
    edges = torch.where(mels < break_mel, linear, _SLANEY_BREAK_HZ * torch.exp(_SLANEY_LOG_STEP * (mels - break_mel)))
    left, centre, right = (edges[start : start + bands, None] for start in range(3))
    bins = _bin_hertz(sample_rate, n_fft)[None]
    rising, falling = (bins - left) / (centre - left), (right - bins) / (right - centre)
    return (torch.minimum(rising, falling).clamp(min=0) * 2.0 / (right - left)).float()


def check_waveform(waveform: Tensor, minimum_samples: int) -> None:
    """Raise ValueError unless `waveform` is (N, samples) with at least `minimum_samples`."""
    if waveform.ndim != 2 or waveform.shape[1] < minimum_samples:
        raise ValueError(
            f"expected a waveform (N, samples) of at least {minimum_samples} samples, got {tuple(waveform.shape)}; "
            "give mono snippets of one second at the encoder's sample_rate"
        )


def _slaney_mel(hertz: float) -> float:
    if hertz < _SLANEY_BREAK_HZ:
        return hertz / _SLANEY_HZ_PER_MEL
    return _SLANEY_BREAK_HZ / _SLANEY_HZ_PER_MEL + math.log(hertz / _SLANEY_BREAK_HZ) / _SLANEY_LOG_STEP


def _bin_hertz(sample_rate: int, n_fft: int) -> Tensor:
    return torch.arange(n_fft // 2 + 1, dtype=torch.float64) * sample_rate / n_fft
