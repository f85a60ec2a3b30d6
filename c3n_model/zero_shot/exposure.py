"""Pictures taken in little light, brightened: classifiers, segmenters and detectors were trained on well exposed ones."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

BRIGHT = 0.98  # quantile of the brightness that counts as a picture's light, so that a lamp does not
LEAST_LIGHT = 0.6  # which nearly every well exposed picture exceeds (98 of 100 of COCO's)
MOST_GAIN = 8.0  # beyond it there is little but noise
AVERAGED = 8  # pixels of a side over which brightness is averaged


def brighten(frames: Tensor) -> Tensor:
    """Multiply each of frames (N, 3, H, W) in [0, 1] so that its light is LEAST_LIGHT; brighter ones stay as they are."""
    brightness = F.avg_pool2d(frames.amax(dim=1, keepdim=True), AVERAGED, ceil_mode=True).flatten(1)
    light = brightness.quantile(BRIGHT, dim=1)
    gain = (LEAST_LIGHT / light.clamp(min=LEAST_LIGHT / MOST_GAIN)).clamp(min=1)
    return (frames * gain[:, None, None, None]).clamp(max=1)
