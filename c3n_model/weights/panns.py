"""Public PANNs checkpoints as tensors of `network.audio.panns.Panns`.

They also hold the fixed STFT and mel matrices they were trained with. Ours are computed; `from_public` drops the stored ones
and `front_end_difference` compares the two.
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
    """What a public checkpoint holds (`Cnn14_16k_mAP=0.438.pth`: a dict with the key `model`) -> state dict of `Panns`.

    Raises ValueError for a file without `model`.
    """
    return {_our_name(name): tensor for name, tensor in _public_model(checkpoint).items() if not _is_fixed(name)}


def front_end_difference(front_end: LogMel, checkpoint: Mapping) -> float:
    """Largest difference in dB, on a second of noise, between `front_end` and the matrices stored in the checkpoint.

    Rounding leaves less than 0.001 dB. Raises ValueError for a checkpoint without them, or of another FFT size.
    """
    model = _public_model(checkpoint)
    missing = [name for name in (_STFT_REAL, _STFT_IMAGINARY, _MEL) if name not in model]
    if missing:
        raise ValueError(f"the checkpoint does not hold its front end: {missing[0]} is missing")
    if model[_STFT_REAL].shape[-1] != front_end.n_fft:
        raise ValueError(
            f"the checkpoint's FFT has {model[_STFT_REAL].shape[-1]} samples, ours {front_end.n_fft}; "
            "it is a checkpoint of another sample rate"
        )
    noise = torch.randn(1, 100 * front_end.hop_samples, generator=torch.Generator().manual_seed(0)) / 10
    padded = F.pad(noise[:, None], (front_end.n_fft // 2,) * 2, mode="reflect")
    parts = [F.conv1d(padded, model[part], stride=front_end.hop_samples) for part in (_STFT_REAL, _STFT_IMAGINARY)]
    power = parts[0].square() + parts[1].square()  # (1, n_fft / 2 + 1, frames)
    theirs = decibels(power.transpose(1, 2) @ model[_MEL])
    return (front_end(noise)[:, 0] - theirs).abs().max().item()


def _public_model(checkpoint: Mapping) -> Mapping[str, Tensor]:
    if "model" not in checkpoint:
        raise ValueError(
            "expected a public PANNs checkpoint, a dict with the key 'model'; "
            f"got {', '.join(map(str, list(checkpoint)[:3])) or 'an empty one'}"
        )
    return checkpoint["model"]


def _is_fixed(name: str) -> bool:
    return name.startswith(("spectrogram_extractor.", "logmel_extractor."))


def _our_name(name: str) -> str:
    """Cnn14's blocks are `conv_block1` to `conv_block6` there and members of `features` here; all else agrees."""
    if not name.startswith("conv_block"):
        return name
    block, rest = name.removeprefix("conv_block").split(".", 1)
    return f"features.{int(block) - 1}.{rest}"
