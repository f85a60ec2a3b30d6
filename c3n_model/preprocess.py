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


def respace_snippets(snippets: np.ndarray, spacing_s: float) -> np.ndarray:
    """Cut consecutive seconds, float32 (T, rate), into as many snippets of a second that start every `spacing_s` (at most 1).

    AVSBench's log-mels for VGGish lie 0.96 s apart, so that the fifth starts at 3.84 s.
    """
    count, rate = snippets.shape
    sound = snippets.reshape(-1)
    starts = [round(number * spacing_s * rate) for number in range(count)]
    return np.stack([sound[start : start + rate] for start in starts])


def resize_mask(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize a mask or a map of numbers, bool or integers (H, W), to `size` (height, width) without mixing its values.

    A pixel takes the value at its centre, like Pillow's NEAREST, which AVSBench resizes its masks with. (OpenCV's
    INTER_NEAREST and torch's "nearest" take that at its corner, which moves a mask by up to half a pixel.)
    """
    if mask.shape == size:
        return mask
    pixels = mask.astype(np.uint8) if mask.dtype == bool else mask
    return cv2.resize(pixels, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT).astype(mask.dtype, copy=False)


def resize_frames(frames: np.ndarray, size: int) -> np.ndarray:
    """Resize frames uint8 (N, H, W, 3) to (N, size, size, 3).

    Images are squashed to a square as in AVSBench, not cropped, so that a sounding object at the border stays visible.
    """
    return np.stack([cv2.resize(frame, (size, size), interpolation=cv2.INTER_AREA) for frame in frames])


def frames_to_tensor(frames: np.ndarray, size: int, device: torch.device | None = None) -> torch.Tensor:
    """Convert frames uint8 (N, H, W, 3) RGB to float32 (N, 3, size, size) in [0, 1] on `device`, see `resize_frames`.

    The device gets the bytes, a quarter of the floats, and the copy does not wait for it.
    """
    pixels = torch.from_numpy(resize_frames(frames, size))
    if device is not None:
        pixels = to_device(pixels, device)
    return pixels.permute(0, 3, 1, 2).contiguous() / 255


def to_device(values: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Copy from the CPU to `device`, without waiting for what is being computed there."""
    return values.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else values.to(device)
