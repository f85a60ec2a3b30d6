"""Conversion of pixels and samples to network inputs, shared by training and inference so that both are identical."""

from __future__ import annotations

import cv2
import numpy as np
import soxr
import torch


def snippet_from_samples(samples: np.ndarray, rate: int, target_rate: int) -> np.ndarray:
    """Convert sound to a snippet: one second, mono, at the model's sample rate.

    `samples` float (n, channels) in [-1, 1]; `rate` in Hz. Returns float32 (target_rate,), the mean of the channels,
    resampled by soxr. Longer sound is cut to its first second, shorter sound is padded with zeros.

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
    """Convert frames uint8 (N, H, W, 3) RGB to float32 (N, 3, size, size) in [0, 1].

    Images are squashed to a square as in AVSBench, not cropped, so that a sounding object at the border stays visible.
    """
    squares = [cv2.resize(frame, (size, size), interpolation=cv2.INTER_AREA) for frame in frames]
    return torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2).contiguous() / 255
