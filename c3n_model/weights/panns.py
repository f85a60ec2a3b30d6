"""Conversion of public PANNs checkpoints to `network.audio.panns.Panns`.

They also contain the fixed STFT and mel matrices that they were trained with. Ours are computed; `from_public` drops the
stored ones and `front_end_difference` compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from c3n_model.network.audio.panns import LogMel, decibels

_STFT_REAL, _STFT_IMAGINARY = (f"spectrogram_extractor.stft.conv_{part}.weight" for part in ("real", "imag"))
_MEL = "logmel_extractor.melW"


def from_public(checkpoint: Mapping) -> dict[str, Tensor]:
    """Convert a public checkpoint (`Cnn14_16k_mAP=0.438.pth`: a dict with the key `model`) to a state dict of `Panns`.

    Raises ValueError if the key `model` is missing.
    """
    return {_our_name(name): tensor for name, tensor in _public_model(checkpoint).items() if not _is_fixed(name)}


def front_end_difference(front_end: LogMel, checkpoint: Mapping) -> float:
    """Measure the largest difference in dB, on a second of noise, between `front_end` and the checkpoint's matrices.

    Rounding accounts for less than 0.001 dB. Raises ValueError for a checkpoint without them, or of another FFT size.
    """
    model = _public_model(checkpoint)
    missing = [name for name in (_STFT_REAL, _STFT_IMAGINARY, _MEL) if name not in model]
    if missing:
        raise ValueError(f"the checkpoint lacks its front end: {missing[0]} is missing")
    if model[_STFT_REAL].shape[-1] != front_end.n_fft:
        raise ValueError(
            f"expected a checkpoint with an FFT of {front_end.n_fft} samples, got {model[_STFT_REAL].shape[-1]}; "
            "it is of another sample rate"
        )
    noise = torch.randn(1, 100 * front_end.hop_samples, generator=torch.Generator().manual_seed(0)) / 10
    padded = F.pad(noise[:, None], (front_end.n_fft // 2,) * 2, mode="reflect")
    real, imaginary = (
        F.conv1d(padded, model[name], stride=front_end.hop_samples) for name in (_STFT_REAL, _STFT_IMAGINARY)
    )
    power = real.square() + imaginary.square()  # (1, n_fft / 2 + 1, frames)
    theirs = decibels(power.transpose(1, 2) @ model[_MEL])
    return (front_end(noise)[:, 0] - theirs).abs().max().item()


def _public_model(checkpoint: Mapping) -> Mapping[str, Tensor]:
    if "model" not in checkpoint:
        raise ValueError(
            "expected a public PANNs checkpoint, a dict with the key 'model'; "
            f"got {', '.join(map(str, list(checkpoint)[:3])) or 'an empty dict'}"
        )
    return checkpoint["model"]


def _is_fixed(name: str) -> bool:
    return name.startswith(("spectrogram_extractor.", "logmel_extractor."))


def _our_name(name: str) -> str:
    """Rename Cnn14's blocks, `conv_block1` to `conv_block6`, to members of `features`; other names are equal."""
    if not name.startswith("conv_block"):
        return name
    block, rest = name.removeprefix("conv_block").split(".", 1)
    return f"features.{int(block) - 1}.{rest}"
