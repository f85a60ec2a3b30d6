"""The mask of a label in one frame: boxes tell its instances apart, the best source there is draws their outlines.

Inside a box the outline is, in this order: the detector's own mask, where it is an instance segmenter; the semantic segmenter's,
where it sees that label in the box; the class activation of the image classifier, zoomed into the box. Without a box the
segmenter's class, or the class activation of the whole frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from c3n_model.network.fusion import upsample
from c3n_model.network.instances import Instances
from c3n_model.network.visual_encoder import VisualEncoder
from c3n_model.zero_shot.detections import Detections
from c3n_model.zero_shot.localise import class_activation, cut, spread
from c3n_model.zero_shot.segmenters import Segmenter
from c3n_model.zero_shot.vocabulary import PERSON, Vocabulary, kin

LOCALISE_SIZE = 448  # activations are finer at twice the classifier's own size, but their softmax collapses
ZOOM_SIZE = 224  # of a crop
SHARPNESS = 10.0  # mask logits per unit of activation
ACTIVATION_THRESHOLD = {"none": 0.4, "affinity": 0.7, "grabcut": 0.7}  # of the activation's maximum
MARGIN = 0.1  # of a box's sides, added on each side of a crop
SEEN = 0.2  # of a box: what a segmenter must cover for its outline to be taken
SLACK = 0.05  # of a box's sides: how far an outline may leave the box
SMALL_BOX = 0.06  # of the picture; at smaller ones the segmenter looks in a crop,
CONTEXT = 0.5  # ... with this much of the box's sides around it,
CLOSER = 1  # ... at this many of the most certain boxes at most: each costs a run of the segmenter
SAME_REGION = 0.4  # IoU of an activation and a segmenter's class from which that is its outline under another name
SAME_BOX = 0.35  # ... and of an activation and a box
NO_OUTLINE = frozenset({"background", "__background__", PERSON})  # what is in front of them is not they


@dataclass(frozen=True)
class View:
    """What the sources say of one frame (3, H, W) in [0, 1]: a segmenter's `masks` (classes, h, w) in [0, 1] and a detector's
    `detections`, None without such a source."""

    frame: Tensor
    masks: Tensor | None
    detections: Detections | None


class MaskMaker:
    """Draws masks of labels of a vocabulary. `segmenter` is the source of `View.masks`,
    `detector_labels` are the classes of its detections;
    detections below `min_score` only help what others name."""

    def __init__(
        self,
        visual_encoder: VisualEncoder,
        vocabulary: Vocabulary,
        segmenter: Segmenter | None,
        detector_labels: tuple[str, ...],
        refinement: str,
        min_score: float = 0.3,
    ):
        self.visual_encoder, self.vocabulary, self.refinement = visual_encoder, vocabulary, refinement
        self.segmenter, self.segmenter_labels = segmenter, segmenter.labels if segmenter is not None else ()
        self.detector_labels = detector_labels
        self.min_score = min_score

    def draw(self, view: View, label: int) -> tuple[Tensor, Instances | None]:
        """Return mask logits (H, W) of a label and its instances, None where they are not told apart."""
        name, size = self.vocabulary.labels[label], tuple(view.frame.shape[1:])
        semantic = self._semantic(view, name)
        found = self._instances(view, name, semantic)
        if found is not None:
            closer = [self._look_closer(view, box, name) if k < CLOSER else None for k, box in enumerate(found.boxes)]
            drawn = [
                self._inside(view, found.select(torch.tensor([k])), semantic if near is None else near, label)
                for k, near in enumerate(closer)
            ]
            return _combine(torch.stack(drawn), found)
        if semantic is not None and (semantic > 0.5).any():
            return SHARPNESS * (semantic - 0.5), None
        members = self.vocabulary.members[label]
        if not members.any():  # a source that knows the label does not see it
            return view.frame.new_full(size, -SHARPNESS / 2), None
        activation = _scaled(self._activation(view.frame, members, LOCALISE_SIZE), size)
        return self._sharpened(view, activation, label), None

    def _sharpened(self, view: View, activation: Tensor, label: int) -> Tensor:
        """Mask logits (H, W) from those of the activation: a better outline of the same thing where a source has one, whatever
        it calls it (a tiger is "cat" to Pascal VOC)."""
        pixels, size = activation > 0, tuple(activation.shape)
        if view.masks is not None:
            planes = [view.masks[k] for k, name in enumerate(self.segmenter_labels) if name not in NO_OUTLINE]
            planes = [_scaled(plane, size) for plane in planes if (plane > 0.5).any()]
            best = max(planes, key=lambda plane: _iou(pixels, plane > 0.5), default=None)
            if best is not None and _iou(pixels, best > 0.5) >= SAME_REGION:
                return SHARPNESS * (best - 0.5)
        found = view.detections
        if found is None:
            return activation
        overlaps = [
            0.0
            if self.detector_labels[number] in NO_OUTLINE
            else _iou(pixels, _filled(_window(box, size, 0.0), pixels))
            for box, number in zip(found.boxes, found.classes.tolist(), strict=True)
        ]
        if max(overlaps, default=0.0) < SAME_BOX:
            return activation
        return self._inside(view, found.select(torch.tensor([int(np.argmax(overlaps))])), None, label)

    def _semantic(self, view: View, name: str) -> Tensor | None:
        """The segmenter's mask (H, W) of a label, or of what it is a kind of; None if it knows none."""
        classes = kin(name, self.segmenter_labels)
        if view.masks is None or not classes:
            return None
        return _scaled(view.masks[list(classes)].amax(dim=0), tuple(view.frame.shape[1:]))

    def _look_closer(self, view: View, box: Tensor, name: str) -> Tensor | None:
        """The segmenter's mask (H, W) of a label from a crop around a small box; None for other boxes, or if it knows no such
        label."""
        classes = kin(name, self.segmenter_labels)
        if view.masks is None or not classes or (box[2:] - box[:2]).prod() > SMALL_BOX:
            return None
        plane = torch.zeros_like(view.frame[0])
        window = _window(box, tuple(plane.shape), CONTEXT)
        seen = view.frame[:, window[0], window[1]]
        plane[window] = _scaled(self.segmenter(seen[None])[0, list(classes)].amax(dim=0), tuple(seen.shape[1:]))
        return plane

    def _instances(self, view: View, name: str, semantic: Tensor | None) -> Detections | None:
        """The detections of a label: those that are certain, and of the others those that the segmenter confirms."""
        if view.detections is None:
            return None
        classes = torch.tensor(kin(name, self.detector_labels), device=view.detections.classes.device)
        found = view.detections.select(torch.isin(view.detections.classes, classes))
        size = tuple(view.frame.shape[1:])
        kept = [
            score >= self.min_score or (semantic is not None and _covered(semantic, _window(box, size, 0.0)))
            for box, score in zip(found.boxes, found.scores, strict=True)
        ]
        found = found.select(torch.tensor(kept, dtype=torch.bool, device=found.scores.device))
        return found if len(found) else None

    def _inside(self, view: View, one: Detections, semantic: Tensor | None, label: int) -> Tensor:
        """Mask logits (H, W) of a single instance, outside its box as low as can be."""
        size = tuple(view.frame.shape[1:])
        window = _window(one.boxes[0], size, margin=0.0)
        around = _window(one.boxes[0], size, margin=SLACK)
        logits = view.frame.new_full(size, -SHARPNESS / 2)
        if one.masks is not None:
            logits[window] = SHARPNESS * (_scaled(one.masks[0], size)[window] - 0.5)
        elif semantic is not None and _covered(semantic, window):
            logits[around] = SHARPNESS * (semantic[around] - 0.5)
        else:
            crop = _window(one.boxes[0], size, margin=MARGIN)
            seen = view.frame[:, crop[0], crop[1]]
            zoomed = self._activation(seen, self._members_in(seen, label), ZOOM_SIZE)
            everywhere = torch.full_like(logits, -SHARPNESS / 2)
            everywhere[crop] = _scaled(zoomed, tuple(seen.shape[1:]))
            logits[window] = everywhere[window]
        return logits

    def _members_in(self, crop: Tensor, label: int) -> Tensor:
        """The classifier's classes of a label; where it knows none, what it takes the crop for."""
        members = self.vocabulary.members[label]
        if members.any():
            return members
        _, logits = self.visual_encoder(upsample(crop[None], (ZOOM_SIZE, ZOOM_SIZE)))
        return (logits[0] == logits[0].max()).cpu()

    def _activation(self, frame: Tensor, members: Tensor, side: int) -> Tensor:
        """Mask logits (h, w) of the class activation of a frame (3, H, W), at the size of the activation."""
        threshold = ACTIVATION_THRESHOLD[self.refinement]
        frames, members = frame[None], members[None].to(frame.device)
        activation, features = class_activation(self.visual_encoder, upsample(frames, (side, side)), members)
        if self.refinement != "none":
            activation = spread(activation, features)
        if self.refinement == "grabcut":
            return SHARPNESS * (cut(activation, frames, threshold)[0] - 0.5)
        return SHARPNESS * (activation[0] - threshold)


def _combine(logits: Tensor, found: Detections) -> tuple[Tensor, Instances]:
    """The union of instances' logits (n, H, W), and the owner of each pixel: the highest logit, of equals the nearest box."""
    height, width = logits.shape[1:]
    rows, columns = ((torch.arange(length, device=logits.device) + 0.5) / length for length in (height, width))
    centres, halves = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2, (found.boxes[:, 2:] - found.boxes[:, :2]) / 2
    x = (columns[None] - centres[:, :1]) / halves[:, :1]
    y = (rows[None] - centres[:, 1:]) / halves[:, 1:]
    distance = x[:, None, :] ** 2 + y[:, :, None] ** 2  # from the centre, in halves of the box's sides
    union = logits.amax(dim=0)
    owner = distance.masked_fill(logits < union - 1e-4, torch.inf).argmin(dim=0)
    return union, Instances(owner, found.scores)


def _iou(first: Tensor, second: Tensor) -> float:
    return float((first & second).sum() / (first | second).sum().clamp(min=1))


def _filled(window: tuple[slice, slice], like: Tensor) -> Tensor:
    pixels = torch.zeros_like(like)
    pixels[window] = True
    return pixels


def _covered(semantic: Tensor, window: tuple[slice, slice]) -> bool:
    """Whether a segmenter's mask (H, W) covers enough of a window to be what is in there."""
    return bool((semantic[window] > 0.5).float().mean() >= SEEN)


def _window(box: Tensor, size: tuple[int, int], margin: float) -> tuple[slice, slice]:
    """The rows and columns of a box (x0, y0, x1, y1 as fractions) with a margin, at least one pixel each."""
    (x0, y0, x1, y1), (height, width) = box.tolist(), size
    dx, dy = margin * (x1 - x0), margin * (y1 - y0)
    left, top = (min(int(max(low, 0) * length), length - 1) for low, length in ((x0 - dx, width), (y0 - dy, height)))
    right, bottom = (
        max(min(round(high * length), length), low + 1)
        for high, length, low in ((x1 + dx, width, left), (y1 + dy, height, top))
    )
    return slice(top, bottom), slice(left, right)


def _scaled(plane: Tensor, size: tuple[int, int]) -> Tensor:
    return upsample(plane[None, None], size)[0, 0]
