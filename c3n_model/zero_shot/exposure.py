"""Pictures taken in little light, brightened: classifiers, segmenters and detectors were trained on well exposed ones."""

from __future__ import annotations

import cv2
import torch
from torch import Tensor
from torch.nn import functional as F

BRIGHT = 0.98  # quantile of the brightness that counts as a picture's light, so that a lamp does not
LEAST_LIGHT = 0.6  # which nearly every well exposed picture exceeds (98 of 100 of COCO's)
MOST_GAIN = 8.0  # beyond it there is little but noise
AVERAGED = 8  # pixels of a side over which brightness is averaged
NOISY_GAIN = 2.0  # above which the sensor's noise, amplified, too, is smoothed
# Of the bilateral filter: diameter in pixels, standard deviations in brightness and in pixels.
SMOOTHING = (5, 0.15, 2.0)


def brighten(frames: Tensor) -> Tensor:
    """Multiply each of frames (N, 3, H, W) in [0, 1] so that its light is LEAST_LIGHT, and smooth its noise but not its edges;
    brighter ones stay as they are."""
    brightness = F.avg_pool2d(frames.amax(dim=1, keepdim=True), AVERAGED, ceil_mode=True).flatten(1)
    light = brightness.quantile(BRIGHT, dim=1)
    gains = (LEAST_LIGHT / light.clamp(min=LEAST_LIGHT / MOST_GAIN)).clamp(min=1)
    brightened = (frames * gains[:, None, None, None]).clamp(max=1)
    noisy = (gains > NOISY_GAIN).tolist()
    return torch.stack([_smooth(one) if is_noisy else one for one, is_noisy in zip(brightened, noisy, strict=True)])


def _smooth(frame: Tensor) -> Tensor:
    picture = frame.permute(1, 2, 0).contiguous().numpy(force=True)
    return torch.from_numpy(cv2.bilateralFilter(picture, *SMOOTHING)).permute(2, 0, 1).to(frame)
