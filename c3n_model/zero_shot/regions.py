"""Regions of masks (H, W): connected ones, boxes, and how much they overlap."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

SPECK_AREA = 1e-3  # fraction of the image; smaller regions of a segmenter outline nothing


def iou(first: Tensor, second: Tensor) -> float:
    """Return the intersection over union of two bool masks (H, W); 0 if both are empty."""
    return float((first & second).sum() / (first | second).sum().clamp(min=1))


def connected_regions(plane: Tensor) -> list[Tensor]:
    """Return the plane (H, W) in [0, 1] once for each connected region above 0.5, with 0 in the others; specks are left out."""
    count, regions, stats, _ = cv2.connectedComponentsWithStats((plane > 0.5).cpu().numpy().astype(np.uint8))
    regions = torch.from_numpy(regions).to(plane.device)
    large = [k for k in range(1, count) if stats[k, cv2.CC_STAT_AREA] >= SPECK_AREA * plane.numel()]
    return [plane.where((regions == k) | (regions == 0), 0.0) for k in large]


def filled(window: tuple[slice, slice], like: Tensor) -> Tensor:
    """Return a bool mask of the size of `like` (H, W) that is true inside a window."""
    pixels = torch.zeros_like(like)
    pixels[window] = True
    return pixels


def window_of(box: Tensor, size: tuple[int, int], margin: float) -> tuple[slice, slice]:
    """Return the rows and columns of a box (x0, y0, x1, y1 as fractions) with a margin, at least one pixel each."""
    (x0, y0, x1, y1), (height, width) = box.tolist(), size
    dx, dy = margin * (x1 - x0), margin * (y1 - y0)
    left, top = (min(int(max(low, 0) * length), length - 1) for low, length in ((x0 - dx, width), (y0 - dy, height)))
    right, bottom = (
        max(min(round(high * length), length), low + 1)
        for high, length, low in ((x1 + dx, width, left), (y1 + dy, height, top))
    )
    return slice(top, bottom), slice(left, right)
