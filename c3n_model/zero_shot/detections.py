"""The detections of one image, and non-maximum suppression.

torchvision is imported where it is used: every session knows this module, and exported steps need nothing that takes so long to import.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from c3n_model.network.fusion import upsample

MAX_DETECTIONS = 100  # per image, as in COCO's evaluation
OVERLAP = 0.5  # IoU above which a box with a lower score of the same class is a duplicate


@dataclass(frozen=True)
class Detections:
    """Instances in one image.

    `boxes` float32 (n, 4), x0 y0 x1 y1 as fractions of the image in [0, 1], x0 < x1 and y0 < y1; `scores` float32 (n,) in
    [0, 1], highest first; `classes` int64 (n,), indices of the detector's labels; `masks` float32 (n, h, w) in [0, 1] of the
    whole image at any resolution, or None if the detector has no masks. Of instances from two detectors, of which one has no masks,
    the planes of the others are NaN.
    """

    boxes: Tensor
    scores: Tensor
    classes: Tensor
    masks: Tensor | None = None

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def outlined(self) -> Tensor:
        """Which instances have a mask, bool (n,)."""
        return torch.zeros_like(self.classes, dtype=torch.bool) if self.masks is None else ~self.masks[:, 0, 0].isnan()

    def select(self, index: Tensor) -> Detections:
        """Return the detections at `index`, indices or a bool mask."""
        masks = None if self.masks is None else self.masks[index]
        return Detections(self.boxes[index], self.scores[index], self.classes[index], masks)

    def to(self, device: torch.device) -> Detections:
        """Return the same detections on a device."""
        masks = None if self.masks is None else self.masks.to(device)
        return Detections(self.boxes.to(device), self.scores.to(device), self.classes.to(device), masks)


def no_detections(device: torch.device) -> Detections:
    """Return the detections of an image in which nothing was found."""
    nothing = torch.zeros(0, device=device)
    return Detections(nothing.view(0, 4), nothing, nothing.long())


def joined(first: Detections, second: Detections) -> Detections:
    """Join the detections of two detectors with common class numbers, best first; masks have the size of the first that has any."""
    planes = [found.masks for found in (first, second)]
    sizes = [tuple(found.shape[1:]) for found in planes if found is not None and len(found)]
    masks = None
    if sizes:
        masks = torch.cat([_planes_of(found, sizes[0]) for found in (first, second)])
    together = Detections(
        *(torch.cat([getattr(found, name) for found in (first, second)]) for name in ("boxes", "scores", "classes")),
        masks,
    )
    return together.select(together.scores.argsort(descending=True, stable=True))


def _planes_of(found: Detections, size: tuple[int, int]) -> Tensor:
    """Return the masks (n, *size) of detections, NaN without masks."""
    if found.masks is None or not len(found):
        return found.scores.new_full((len(found), *size), torch.nan)
    return found.masks if tuple(found.masks.shape[1:]) == size else upsample(found.masks[:, None], size)[:, 0]


def best_detections(detections: Detections, min_score: float) -> Detections:
    """Clip boxes to the image and keep the MAX_DETECTIONS best with at least `min_score` and a positive area, best first."""
    clipped = replace(detections, boxes=detections.boxes.float().clamp(0, 1))
    sides = clipped.boxes[:, 2:] - clipped.boxes[:, :2]
    kept = (sides > 0).all(dim=1) & (clipped.scores >= min_score)  # a score that is NaN is not kept
    found = clipped.select(kept)
    return found.select(found.scores.argsort(descending=True, stable=True)[:MAX_DETECTIONS])


def suppress(detections: Detections, overlap: float = OVERLAP) -> Detections:
    """Apply non-maximum suppression: remove boxes whose IoU with a better one of the same class exceeds `overlap`."""
    from torchvision.ops import batched_nms

    return detections.select(batched_nms(detections.boxes, detections.scores, detections.classes, overlap))


def one_per_object(detections: Detections, overlap: float = OVERLAP) -> Detections:
    """Remove boxes that are another name of the object in a better one, by their IoU: those with a mask are better, then those with
    a higher score. The object has the highest score of all its names."""
    from torchvision.ops import box_iou, nms

    if len(detections) < 2:
        return detections
    order = (detections.scores + detections.outlined).argsort(descending=True, stable=True)
    ranked = detections.select(order)
    same = box_iou(ranked.boxes, ranked.boxes) > overlap
    kept = nms(ranked.boxes, torch.arange(len(order), 0, -1).to(ranked.scores), overlap)
    scores = ranked.scores.expand(len(order), -1).masked_fill(~same, 0.0).amax(dim=1)
    found = replace(ranked, scores=scores).select(kept)
    return found.select(found.scores.argsort(descending=True, stable=True))


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
