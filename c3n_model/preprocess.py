"""Pixels and samples to what the network reads. Training and robot both pass through here, so they see the same numbers."""

from __future__ import annotations

import cv2
import numpy as np
import soxr
import torch


def snippet_from_samples(samples: np.ndarray, rate: int, target_rate: int) -> np.ndarray:
    """One second of sound at the model's rate.

    `samples` float (n, channels) in [-1, 1], `rate` samples per second and channel. Returns float32 (target_rate,),
    mono (the mean of the channels), resampled by soxr. Of more than a second the first is taken; what a shorter run
    lacks at its end is zero.

    Raises ValueError if `samples` is not 2-D or a rate is not positive.
    """
    if samples.ndim != 2 or samples.shape[1] == 0:
        raise ValueError(f"samples must be (n, channels), got shape {samples.shape}; add a channel axis with [:, None]")
    if rate <= 0 or target_rate <= 0:
        raise ValueError(f"sample rates must be positive, got {rate} Hz to {target_rate} Hz")
    mono = samples[:rate].mean(axis=1, dtype=np.float32)
    resampled = soxr.resample(mono, rate, target_rate) if rate != target_rate else mono
    snippet = np.zeros(target_rate, dtype=np.float32)
    count = min(len(resampled), target_rate)
    snippet[:count] = resampled[:count]
    return snippet


def frames_to_tensor(frames: np.ndarray, size: int) -> torch.Tensor:
    """Frames uint8 (N, H, W, 3), RGB -> float32 (N, 3, size, size) in [0, 1].

    The picture is squashed to a square, as AVSBench does (no crop: a sounding object at the border stays in view).
    """
    squares = [cv2.resize(frame, (size, size), interpolation=cv2.INTER_AREA) for frame in frames]
    return torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2).contiguous() / 255
