"""Power spectra for the front ends, by FFT or by products with sines and cosines.

The FFT is faster in torch. Exported networks use products (`without_fft`), because runtimes such as TensorRT have no FFT.
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
    """Compute the spectra within this context by matrix products."""
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
    if center:
        waveform = F.pad(waveform[:, None], (n_fft // 2, n_fft // 2), mode="reflect")[:, 0]
    frames = (waveform.shape[1] - n_fft) // hop + 1
    left = (n_fft - len(window)) // 2  # the window's zeros on both sides are left out
    parts = _overlapping(waveform[:, left:], len(window), hop, frames) * window
    return _folded_power(parts, n_fft).mT


def power_spectrum(frames: Tensor, *, n_fft: int) -> Tensor:
    """Compute squared magnitudes of the Fourier transform of (..., samples), padded with zeros: (..., n_fft / 2 + 1)."""
    if _BY_FFT.get():
        spectrum = torch.fft.rfft(frames, n=n_fft)
        return spectrum.real.square() + spectrum.imag.square()
    return _folded_power(frames, n_fft)


def _overlapping(waveform: Tensor, length: int, hop: int, count: int) -> Tensor:
    """Cut `count` pieces of `length` samples, one every `hop`: (N, samples) -> (N, count, length). By slices of blocks of `hop`
    samples: a graph would gather each sample."""
    blocks = -(-length // hop)
    wanted = (count - 1 + blocks) * hop
    waveform = F.pad(waveform[:, :wanted], (0, max(wanted - waveform.shape[1], 0)))
    by_hop = waveform.reshape(len(waveform), -1, hop)
    return torch.cat([by_hop[:, first : first + count] for first in range(blocks)], dim=2)[:, :, :length]


def _folded_power(frames: Tensor, n_fft: int) -> Tensor:
    """Compute squared magnitudes of the Fourier transform of (..., samples), padded with zeros: (..., n_fft / 2 + 1).

    They do not depend on where the phases begin. From the middle on, cosines are even and sines odd, so that both need only the
    sums and the differences of the samples on both sides of it: half of the products.
    """
    middle = frames.shape[-1] // 2
    before = F.pad(frames[..., :middle].flip(-1), (1, 0))
    after = frames[..., middle:]
    reach = max(before.shape[-1], after.shape[-1])
    before, after = (F.pad(side, (0, reach - side.shape[-1])) for side in (before, after))
    cosines, sines = _waves(n_fft, reach, frames)
    return ((after + before) @ cosines).square() + ((after - before) @ sines).square()


def _waves(n_fft: int, samples: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Cosines and sines of all frequencies, each (samples, n_fft / 2 + 1)."""
    frequency = torch.arange(n_fft // 2 + 1, dtype=torch.int64)
    # The phase modulo one turn, in integers: exact however long the window.
    turns = (torch.arange(samples, dtype=torch.int64)[:, None] * frequency).remainder(n_fft).double() / n_fft
    angles = 2 * torch.pi * turns
    return angles.cos().to(like.device, like.dtype), angles.sin().to(like.device, like.dtype)
