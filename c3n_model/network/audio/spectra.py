"""Power spectra for the front ends, by FFT or by convolutions with sines and cosines.

The FFT is faster in torch. Exported networks use convolutions (`without_fft`), because runtimes such as TensorRT have no FFT.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor
from torch.nn import functional as F

_BY_FFT: ContextVar[bool] = ContextVar("by_fft", default=True)


@contextmanager
def without_fft() -> Iterator[None]:
    """Compute the spectra within this context by convolutions and matrix products."""
    token = _BY_FFT.set(False)
    try:
        yield
    finally:
        _BY_FFT.reset(token)


def power_spectrogram(waveform: Tensor, window: Tensor, *, n_fft: int, hop: int, center: bool) -> Tensor:
    """Compute squared magnitudes of the short-time Fourier transform.

    Args:
        waveform: (N, samples); window: at most `n_fft` values, padded on both sides to `n_fft`; hop: samples between frames;
        center: pad the waveform by reflection, so that frame t is centred at t * hop.
    Returns:
        (N, n_fft / 2 + 1, frames).
    """
    if _BY_FFT.get():
        spectrum = torch.stft(
            waveform, n_fft, hop_length=hop, win_length=len(window), window=window, center=center, pad_mode="reflect",
            return_complex=True,
        )  # fmt: skip
        return spectrum.real.square() + spectrum.imag.square()
    left = (n_fft - len(window)) // 2
    padded = F.pad(window, (left, n_fft - len(window) - left))
    if center:
        waveform = F.pad(waveform[:, None], (n_fft // 2, n_fft // 2), mode="reflect")[:, 0]
    kernels = (_waves(n_fft, n_fft, waveform) * padded)[:, None]
    real, imaginary = F.conv1d(waveform[:, None], kernels, stride=hop).chunk(2, dim=1)
    return real.square() + imaginary.square()


def power_spectrum(frames: Tensor, *, n_fft: int) -> Tensor:
    """Compute squared magnitudes of the Fourier transform of (..., samples), padded with zeros: (..., n_fft / 2 + 1)."""
    if _BY_FFT.get():
        spectrum = torch.fft.rfft(frames, n=n_fft)
        return spectrum.real.square() + spectrum.imag.square()
    real, imaginary = (frames @ _waves(n_fft, frames.shape[-1], frames).mT).chunk(2, dim=-1)
    return real.square() + imaginary.square()


def _waves(n_fft: int, samples: int, like: Tensor) -> Tensor:
    """Cosines and sines of all frequencies, (2 (n_fft / 2 + 1), samples)."""
    frequency = torch.arange(n_fft // 2 + 1, dtype=torch.int64)[:, None]
    # The phase modulo one turn, in integers: exact however long the window.
    turns = (frequency * torch.arange(samples, dtype=torch.int64)).remainder(n_fft).double() / n_fft
    angles = 2 * torch.pi * turns
    return torch.cat([angles.cos(), angles.sin()]).to(like.device, like.dtype)
