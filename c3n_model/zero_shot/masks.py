"""The mask of a label in one frame: detected boxes separate its instances, the best available model outlines them.

Inside a box the outline is the first of these that is available: the mask of the detector, if it is an instance segmenter; the
mask of the semantic segmenter, if it finds the label in the box; the class activation of the image classifier on a crop of the
box. Without a box it is the mask of the segmenter, or the class activation of the whole frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from c3n_model.network.fusion import upsample
from c3n_model.network.instances import Instances
from c3n_model.network.visual_encoder import VisualEncoder
from c3n_model.zero_shot.detections import Detections, one_per_object
from c3n_model.zero_shot.glimpses import Glimpse
from c3n_model.zero_shot.localise import class_activation, grabcut, spread
from c3n_model.zero_shot.regions import connected_regions, filled, iou, window_of
from c3n_model.zero_shot.segmenters import Segmenter
from c3n_model.zero_shot.vocabulary import PERSON, Vocabulary, matching_classes

LOCALISE_SIZE = 448  # twice the classifier's input size: activations are finer, but its probabilities are unusable
ZOOM_SIZE = 224  # input size for a crop
SHARPNESS = 10.0  # mask logits per unit of activation
GRABCUT_SIZES = {LOCALISE_SIZE: 224, ZOOM_SIZE: 128}  # input size of the activation: pixels for GrabCut
ACTIVATION_THRESHOLD = {"none": 0.4, "affinity": 0.7, "grabcut": 0.7}  # fraction of the activation's maximum
NEAR_GLIMPSE = (
    0.15  # fraction of the sides of a glimpse's box, added on each side, within which a segmenter must see its object
)
AROUND_GLIMPSE = 0.9  # the same for the crop that is activated: the best window is often only a part of the object
MARGIN = 0.1  # fraction of the box's sides, added on each side of a crop
SEEN = 0.2  # minimum fraction of a box covered by the segmenter's mask for its outline to be used
SLACK = 0.05  # fraction of the box's sides by which an outline may extend beyond the box
SMALL_BOX = 0.06  # fraction of the image; smaller boxes are segmented again in a crop
CONTEXT = 0.5  # fraction of the box's sides added around that crop
CLOSER = 1  # maximum number of such crops, for the boxes with the highest scores: each costs a run of the segmenter
SPECK_OF_CLASS = (
    0.01  # fraction of the image; the classifier finds its classes better than a segmenter that sees so little
)
SEEN_IN_GLIMPSE = 0.2  # the same, fraction of the surroundings of a glimpse
SAME_REGION = 0.4  # IoU of the activation and a segmenter's class above which that class outlines the object
SAME_BOX = 0.5  # the same for the activation and a box
NO_OUTLINE = frozenset({"background", "__background__", PERSON})  # an object in front of them has another outline


@dataclass(frozen=True)
class View:
    """One frame (3, H, W) in [0, 1] with the segmenter's `masks` (classes, h, w) in [0, 1] and the detector's `detections`;
    None without a segmenter or detector. `glimpse` is a label that a part of the frame shows more clearly than the
    whole, None if there is none."""

    frame: Tensor
    masks: Tensor | None
    detections: Detections | None
    glimpse: Glimpse | None = None


class MaskMaker:
    """Computes masks of the labels of a vocabulary.

    `segmenter` made `View.masks`; `detector_labels` are the classes of `View.detections`. Detections below `min_score` are
    used only if the segmenter confirms them. `several_names`: one object may have several detections, because two detectors see it
    or because one was asked for several of its names.
    """

    def __init__(
        self,
        visual_encoder: VisualEncoder,
        vocabulary: Vocabulary,
        segmenter: Segmenter | None,
        detector_labels: tuple[str, ...],
        refinement: str,
        min_score: float = 0.3,
        several_names: bool = False,
    ):
        self.visual_encoder, self.vocabulary, self.refinement = visual_encoder, vocabulary, refinement
        self.segmenter, self.segmenter_labels = segmenter, segmenter.labels if segmenter is not None else ()
        self.detector_labels = detector_labels
        self.min_score, self.several_names = min_score, several_names

    def draw(self, view: View, label: int) -> tuple[Tensor, Instances | None]:
        """Return the mask logits (H, W) of a label and its instances, None if they are not separated."""
        name = self.vocabulary.labels[label]
        semantic = self._semantic(view, name)
        found = self._instances(view, name, semantic)
        if found is not None:
            closer = [self._look_closer(view, box, name) if k < CLOSER else None for k, box in enumerate(found.boxes)]
            drawn = [
                self._inside(view, found.select(torch.tensor([k])), semantic if near is None else near, label)
                for k, near in enumerate(closer)
            ]
            return _combine(torch.stack(drawn), found)
        members = self.vocabulary.members[label]
        if semantic is not None and self._outlines(view, semantic, label):
            return SHARPNESS * (semantic - 0.5), None
        if not members.any():  # only the segmenter or detector has this label, and it found nothing
            return empty_mask(view)
        return self._sharpened(view, self._activate(view, label), label), None

    def _outlines(self, view: View, semantic: Tensor, label: int) -> bool:
        """Return whether the segmenter's mask (H, W) of a label is the object that was seen, not a speck of the same name
        elsewhere."""
        if not self.vocabulary.members[label].any():
            return bool((semantic > 0.5).any())
        if view.glimpse is None or view.glimpse.label != label:
            return bool((semantic > 0.5).float().mean() >= SPECK_OF_CLASS)
        around = window_of(view.glimpse.box, tuple(semantic.shape), NEAR_GLIMPSE)
        return bool((semantic[around] > 0.5).float().mean() >= SEEN_IN_GLIMPSE)

    def _activate(self, view: View, label: int) -> Tensor:
        """Return the mask logits (H, W) of the class activation, of that part of the frame in which the label is best seen."""
        members, size = self.vocabulary.members[label], tuple(view.frame.shape[1:])
        if view.glimpse is None or view.glimpse.label != label:
            return _scaled(self._activation(view.frame, members, LOCALISE_SIZE), size)
        return self._zoomed(view.frame, window_of(view.glimpse.box, size, AROUND_GLIMPSE), members)

    def _zoomed(self, frame: Tensor, crop: tuple[slice, slice], members: Tensor) -> Tensor:
        """Return the mask logits (H, W) of the class activation of a crop, with the lowest value outside."""
        seen = frame[:, crop[0], crop[1]]
        logits = torch.full_like(frame[0], -SHARPNESS / 2)
        logits[crop] = _scaled(self._activation(seen, members, ZOOM_SIZE), tuple(seen.shape[1:]))
        return logits

    def _sharpened(self, view: View, activation: Tensor, label: int) -> Tensor:
        """Replace the activation's mask logits (H, W) by a better outline of the same region, if the segmenter or detector has
        one under any label (Pascal VOC labels a tiger "cat")."""
        pixels, size = activation > 0, tuple(activation.shape)
        if view.masks is not None:
            planes = [view.masks[k] for k, name in enumerate(self.segmenter_labels) if name not in NO_OUTLINE]
            planes = [_scaled(plane, size) for plane in planes if (plane > 0.5).any()]
            regions = [region for plane in planes for region in connected_regions(plane)]
            best = max(regions, key=lambda plane: iou(pixels, plane > 0.5), default=None)
            if best is not None and iou(pixels, best > 0.5) >= SAME_REGION:
                return SHARPNESS * (best - 0.5)
        found = view.detections
        if found is None:
            return activation
        overlaps = [
            0.0
            if self.detector_labels[number] in NO_OUTLINE
            else iou(pixels, filled(window_of(box, size, 0.0), pixels))
            for box, number in zip(found.boxes, found.classes.tolist(), strict=True)
        ]
        if max(overlaps, default=0.0) < SAME_BOX:
            return activation
        return self._inside(view, found.select(torch.tensor([int(np.argmax(overlaps))])), None, label)

    def _semantic(self, view: View, name: str) -> Tensor | None:
        """Return the segmenter's mask (H, W) of a label (see `matching_classes`); None if it has no such class."""
        classes = matching_classes(name, self.segmenter_labels)
        if view.masks is None or not classes:
            return None
        return _scaled(view.masks[list(classes)].amax(dim=0), tuple(view.frame.shape[1:]))

    def _look_closer(self, view: View, box: Tensor, name: str) -> Tensor | None:
        """Return the segmenter's mask (H, W) of a label from a crop around a small box; None for larger boxes, or if it has no
        such class."""
        classes = matching_classes(name, self.segmenter_labels)
        if view.masks is None or not classes or (box[2:] - box[:2]).prod() > SMALL_BOX:
            return None
        plane = torch.zeros_like(view.frame[0])
        window = window_of(box, tuple(plane.shape), CONTEXT)
        seen = view.frame[:, window[0], window[1]]
        plane[window] = _scaled(self.segmenter(seen[None])[0, list(classes)].amax(dim=0), tuple(seen.shape[1:]))
        return plane

    def _instances(self, view: View, name: str, semantic: Tensor | None) -> Detections | None:
        """Return the detections of a label with at least `min_score`, and those below it that the segmenter confirms."""
        if view.detections is None:
            return None
        classes = torch.tensor(matching_classes(name, self.detector_labels), device=view.detections.classes.device)
        found = view.detections.select(torch.isin(view.detections.classes, classes))
        size = tuple(view.frame.shape[1:])
        kept = [
            score >= self.min_score or (semantic is not None and _covered(semantic, window_of(box, size, 0.0)))
            for box, score in zip(found.boxes, found.scores, strict=True)
        ]
        found = found.select(torch.tensor(kept, dtype=torch.bool, device=found.scores.device))
        if self.several_names:
            found = one_per_object(found)
        return found if len(found) else None

    def _inside(self, view: View, one: Detections, semantic: Tensor | None, label: int) -> Tensor:
        """Return the mask logits (H, W) of a single instance, with the lowest value outside its box."""
        size = tuple(view.frame.shape[1:])
        window = window_of(one.boxes[0], size, margin=0.0)
        around = window_of(one.boxes[0], size, margin=SLACK)
        logits = view.frame.new_full(size, -SHARPNESS / 2)
        if one.masks is not None and one.outlined[0]:
            logits[window] = SHARPNESS * (_scaled(one.masks[0], size)[window] - 0.5)
        elif semantic is not None and _covered(semantic, window):
            logits[around] = SHARPNESS * (semantic[around] - 0.5)
        else:
            crop = window_of(one.boxes[0], size, margin=MARGIN)
            seen = view.frame[:, crop[0], crop[1]]
            logits[window] = self._zoomed(view.frame, crop, self._members_in(seen, label))[window]
        return logits

    def _members_in(self, crop: Tensor, label: int) -> Tensor:
        """Return the classifier's classes of a label; if it has none, its prediction for the crop."""
        members = self.vocabulary.members[label]
        if members.any():
            return members
        _, logits = self.visual_encoder(upsample(crop[None], (ZOOM_SIZE, ZOOM_SIZE)))
        return (logits[0] == logits[0].max()).cpu()

    def _activation(self, frame: Tensor, members: Tensor, side: int) -> Tensor:
        """Return the mask logits (h, w) of the class activation of a frame (3, H, W), at the activation's size."""
        threshold = ACTIVATION_THRESHOLD[self.refinement]
        frames, members = frame[None], members[None].to(frame.device)
        activation, features = class_activation(self.visual_encoder, upsample(frames, (side, side)), members)
        if self.refinement != "none":
            activation = spread(activation, features)
        if self.refinement == "grabcut" or (self.refinement == "affinity" and side == ZOOM_SIZE):
            return SHARPNESS * (grabcut(activation, frames, threshold, GRABCUT_SIZES[side])[0] - 0.5)
        return SHARPNESS * (activation[0] - threshold)


def empty_mask(view: View) -> tuple[Tensor, None]:
    """Return mask logits (H, W) of nothing, and no instances."""
    return view.frame.new_full(view.frame.shape[1:], -SHARPNESS / 2), None


def _combine(logits: Tensor, found: Detections) -> tuple[Tensor, Instances]:
    """Combine the logits (n, H, W) of instances: their maximum, and for each pixel the instance with the highest logit (of
    equal ones that with the nearest box)."""
    height, width = logits.shape[1:]
    rows, columns = ((torch.arange(length, device=logits.device) + 0.5) / length for length in (height, width))
    centres, halves = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2, (found.boxes[:, 2:] - found.boxes[:, :2]) / 2
    x = (columns[None] - centres[:, :1]) / halves[:, :1]
    y = (rows[None] - centres[:, 1:]) / halves[:, 1:]
    distance = x[:, None, :] ** 2 + y[:, :, None] ** 2  # squared, from the centre, in units of half the box's sides
    union = logits.amax(dim=0)
    owner = distance.masked_fill(logits < union - 1e-4, torch.inf).argmin(dim=0)
    return union, Instances(owner, found.scores)


def _covered(semantic: Tensor, window: tuple[slice, slice]) -> bool:
    """Return whether a segmenter's mask (H, W) covers enough of a window to outline the object in it."""
    return bool((semantic[window] > 0.5).float().mean() >= SEEN)


def _scaled(plane: Tensor, size: tuple[int, int]) -> Tensor:
    return upsample(plane[None, None], size)[0, 0]
