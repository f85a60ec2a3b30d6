"""The detections of one image, and non-maximum suppression."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torchvision.ops import batched_nms

MAX_DETECTIONS = 100  # per image, as in COCO's evaluation
OVERLAP = 0.5  # IoU above which a box with a lower score of the same class is a duplicate


@dataclass(frozen=True)
class Detections:
    """Instances in one image.

    `boxes` float32 (n, 4), x0 y0 x1 y1 as fractions of the image in [0, 1], x0 < x1 and y0 < y1; `scores` float32 (n,) in
    [0, 1], highest first; `classes` int64 (n,), indices of the detector's labels; `masks` float32 (n, h, w) in [0, 1] of the
    whole image at any resolution, or None if the detector has no masks.
    """

    boxes: Tensor
    scores: Tensor
    classes: Tensor
    masks: Tensor | None = None

    def __len__(self) -> int:
        return len(self.scores)

    def select(self, index: Tensor) -> Detections:
        """Return the detections at `index`, indices or a bool mask."""
        masks = None if self.masks is None else self.masks[index]
        return Detections(self.boxes[index], self.scores[index], self.classes[index], masks)

    def to(self, device: torch.device) -> Detections:
        """Return the same detections on a device."""
        masks = None if self.masks is None else self.masks.to(device)
        return Detections(self.boxes.to(device), self.scores.to(device), self.classes.to(device), masks)


def best_detections(detections: Detections, min_score: float) -> Detections:
    """Clip boxes to the image and keep the MAX_DETECTIONS best with at least `min_score` and a positive area, best first."""
    clipped = replace(detections, boxes=detections.boxes.float().clamp(0, 1))
    sides = clipped.boxes[:, 2:] - clipped.boxes[:, :2]
    kept = (sides > 0).all(dim=1) & (clipped.scores >= min_score)  # a score that is NaN is not kept
    found = clipped.select(kept)
    return found.select(found.scores.argsort(descending=True, stable=True)[:MAX_DETECTIONS])


def suppress(detections: Detections, overlap: float = OVERLAP) -> Detections:
    """Apply non-maximum suppression: remove boxes whose IoU with a better one of the same class exceeds `overlap`."""
    return detections.select(batched_nms(detections.boxes, detections.scores, detections.classes, overlap))


def from_corners_or_centres(boxes: Tensor, size: tuple[int, int], *, centres: bool) -> Tensor:
    """Convert boxes (n, 4) to corners as fractions of the image.

    `centres`: the boxes are (cx, cy, width, height), not (x0, y0, x1, y1). If any coordinate exceeds 2, they are pixels of an
    image of `size` (height, width), otherwise fractions: a useful box does not lie within two pixels.
    """
    boxes = boxes.float()
    if centres:
        centre, half = boxes[:, :2], boxes[:, 2:] / 2
        boxes = torch.cat([centre - half, centre + half], dim=1)
    if boxes.numel() and boxes.max() > 2:
        height, width = size
        boxes = boxes / boxes.new_tensor([width, height, width, height])
    return boxes
