"""Output formats of detectors, recognised by the names and shapes of their outputs.

| format | outputs | used by |
|---|---|---|
| `ListedBoxes` | boxes (n, 4), scores (n,), labels (n,), optionally masks (n, [1,] h, w), all with or without a batch axis | torchvision, CenterNet, RT-DETR; TFLite's Detection_PostProcess, with a count and y before x |
| `QueryBoxes` | boxes (1, n, 4) as centre and size, a logit per class (1, n, classes), optionally masks (1, n, h, w) | DETR, RF-DETR |
| `AnchorBoxes` | (1, 4 + classes [+ m], anchors), optionally m mask prototypes (1, m, h, w) or (1, h, w, m) | YOLOv8 and later, before NMS |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from c3n_model.zero_shot.detections import (
    MAX_DETECTIONS,
    Detections,
    best_detections,
    from_corners_or_centres,
    suppress,
)
from c3n_model.zero_shot.runtimes import InputValues, Output


class OutputForm(Protocol):
    """How to read a detector's outputs. `input_values` is the value range that detectors of this format are trained on, None
    if the format does not determine it."""

    input_values: InputValues | None

    def decode(self, outputs: Sequence[np.ndarray], size: tuple[int, int], min_score: float) -> Detections:
        """Convert the outputs for one image of `size` (height, width), given in the network's order, to detections."""


@dataclass(frozen=True)
class ListedBoxes:
    """Final detections; the fields are the indices of the outputs with boxes, scores, labels, masks and their count."""

    boxes: int
    scores: int
    labels: int
    masks: int | None
    count: int | None
    rows_first: bool  # (y0, x0, y1, x1) instead of (x0, y0, x1, y1)
    input_values: InputValues | None

    def decode(self, outputs: Sequence[np.ndarray], size: tuple[int, int], min_score: float) -> Detections:
        """See `OutputForm`."""
        boxes = _tensor(outputs[self.boxes]).reshape(-1, 4)
        scores, labels = (_tensor(outputs[index]).reshape(-1) for index in (self.scores, self.labels))
        count = len(scores) if self.count is None else int(np.ravel(outputs[self.count])[0])
        boxes = boxes[:, [1, 0, 3, 2]] if self.rows_first else boxes
        masks = None
        if self.masks is not None:
            found = _tensor(outputs[self.masks])
            masks = _probabilities(found.reshape(len(scores), *found.shape[-2:]))[:count]
        boxes = from_corners_or_centres(boxes, size, centres=False)
        found = Detections(boxes[:count], scores[:count], labels[:count].round().long(), masks)
        return suppress(best_detections(found, min_score))


@dataclass(frozen=True)
class QueryBoxes:
    """A set of queries, each with a box and a logit per class. With `no_object` the last logit is the class "no object" (DETR,
    softmax over all); otherwise each class has its own probability (RF-DETR, sigmoid)."""

    boxes: int
    logits: int
    masks: int | None
    no_object: bool
    input_values: InputValues | None = "imagenet"

    def decode(self, outputs: Sequence[np.ndarray], size: tuple[int, int], min_score: float) -> Detections:
        """See `OutputForm`."""
        boxes, logits = (_tensor(outputs[index])[0] for index in (self.boxes, self.logits))
        scores = logits.softmax(dim=1)[:, :-1] if self.no_object else _probabilities(logits)
        best, classes = scores.max(dim=1)
        masks = None if self.masks is None else _probabilities(_tensor(outputs[self.masks])[0])
        found = Detections(from_corners_or_centres(boxes, size, centres=True), best, classes, masks)
        return suppress(best_detections(found, min_score))


@dataclass(frozen=True)
class AnchorBoxes:
    """YOLO's raw format before NMS: for each anchor a box, class scores in [0, 1] and coefficients of mask prototypes."""

    predictions: int
    anchors_first: bool
    classes: int
    prototypes: int | None
    prototype_axis: int | None
    input_values: InputValues | None = "unit"

    def decode(self, outputs: Sequence[np.ndarray], size: tuple[int, int], min_score: float) -> Detections:
        """See `OutputForm`."""
        rows = _tensor(outputs[self.predictions])[0]
        rows = rows if self.anchors_first else rows.T  # anchors, 4 + classes + m
        scores, classes = rows[:, 4 : 4 + self.classes].max(dim=1)
        boxes = from_corners_or_centres(rows[:, :4], size, centres=True)
        # Until duplicates are removed, the field `masks` holds the coefficients.
        coefficients = rows[:, 4 + self.classes :, None]
        found = suppress(_best_anchors(Detections(boxes, scores, classes, coefficients), min_score))
        if self.prototypes is None:
            return Detections(found.boxes, found.scores, found.classes)
        prototypes = _tensor(outputs[self.prototypes])[0].movedim(self.prototype_axis - 1, 0)
        masks = torch.einsum("nm,mhw->nhw", found.masks[..., 0], prototypes).sigmoid()
        return Detections(found.boxes, found.scores, found.classes, masks)


def _best_anchors(detections: Detections, min_score: float) -> Detections:
    """Return `best_detections` after removing duplicates among ten times as many candidates."""
    candidates = detections.select(detections.scores >= min_score)
    order = candidates.scores.argsort(descending=True, stable=True)[: 10 * MAX_DETECTIONS]
    return best_detections(suppress(candidates.select(order)), min_score)


def recognise_form(path, outputs: Sequence[Output], classes: int) -> OutputForm:
    """Recognise the output format of a detector with `classes` labels.

    Raises:
        ValueError: no format or more than one matches; the message lists the outputs of the file and those expected.
    """
    forms = [form for form in (_anchors(outputs, classes), _queries(outputs, classes), _listed(outputs)) if form]
    if len(forms) == 1:
        return forms[0]
    given = ", ".join(f"{one.name or '?'} {one.shape} {one.dtype}" for one in outputs)
    matches = "matches more than one known format" if forms else "does not match any known format"
    raise ValueError(
        f"{path} has the outputs {given}, which {matches} of detections with {classes} labels; expected boxes (n, 4), "
        "scores (n,) and labels (n,), optionally with masks (n, h, w); or boxes (1, n, 4) and logits "
        f"(1, n, {classes} or {classes + 1}); or YOLO's (1, {4 + classes} or {4 + classes} + m, anchors) with m mask "
        "prototypes. Check that the label file belongs to this model (one line per class, N/A for unused numbers), or "
        "export the model with outputs named boxes, scores and labels"
    )


def _anchors(outputs: Sequence[Output], classes: int) -> AnchorBoxes | None:
    if len(outputs) not in (1, 2):
        return None
    large = [index for index, one in enumerate(outputs) if len(one.shape) == 4]
    flat = [index for index, one in enumerate(outputs) if len(one.shape) == 3 and one.shape[0] == 1]
    if len(flat) != 1 or len(large) != len(outputs) - 1:
        return None
    shape, channels = outputs[flat[0]].shape, 4 + classes
    prototypes, axis = None, None
    if large:
        prototypes = large[0]
        sides = outputs[prototypes].shape
        extra = [side - channels for side in shape[1:] if side > channels]
        axes = [axis for axis in (1, 3) if sides[axis] in extra]
        if len(axes) != 1:
            return None
        axis, channels = axes[0], channels + sides[axes[0]]
    fitting = [place for place in (1, 2) if shape[place] == channels]
    if len(fitting) != 1:
        return None
    return AnchorBoxes(flat[0], fitting[0] == 2, classes, prototypes, axis)


def _queries(outputs: Sequence[Output], classes: int) -> QueryBoxes | None:
    flat = [index for index, one in enumerate(outputs) if len(one.shape) == 3 and one.shape[0] == 1]
    boxes = _only([index for index in flat if outputs[index].shape[2] == 4], outputs, ("box", "dets"))
    if boxes is None:
        return None
    queries = outputs[boxes].shape[1]
    logits = [
        index
        for index in flat
        if index != boxes and outputs[index].shape[1] == queries and outputs[index].shape[2] in (classes, classes + 1)
    ]
    masks = [index for index, one in enumerate(outputs) if len(one.shape) == 4 and one.shape[:2] == (1, queries)]
    if len(logits) != 1 or len(masks) > 1:
        return None
    return QueryBoxes(
        boxes, logits[0], masks[0] if masks else None, no_object=outputs[logits[0]].shape[2] == classes + 1
    )


def _listed(outputs: Sequence[Output]) -> ListedBoxes | None:
    """Find the boxes and two lists of the same length; the labels are the one with integers or with a matching name."""
    with_boxes = [i for i, one in enumerate(outputs) if one.shape[-1:] == (4,) and len(one.shape) in (2, 3)]
    boxes = _only(with_boxes, outputs, ("box", "dets"))
    if boxes is None:
        return None
    batched = len(outputs[boxes].shape) == 3
    lead = outputs[boxes].shape[:-1]
    lists = [i for i, one in enumerate(outputs) if one.shape == lead and i != boxes]
    masks = [i for i, one in enumerate(outputs) if len(one.shape) > len(lead) + 1 and one.shape[: len(lead)] == lead]
    counts = [i for i, one in enumerate(outputs) if i not in lists and one.shape in ((1,), (1, 1), ())]
    if len(lists) != 2 or len(masks) > 1 or len(outputs) != 3 + len(masks) + len(counts) or len(counts) > 1:
        return None
    labels = _labels_of(lists, outputs)
    if labels is None:
        return None
    (scores,) = (index for index in lists if index != labels)
    is_tensorflow = bool(counts)
    values: InputValues | None = "symmetric" if is_tensorflow else (None if batched else "unit")
    masks_at, count_at = (masks[0] if masks else None), (counts[0] if counts else None)
    return ListedBoxes(boxes, scores, labels, masks_at, count_at, rows_first=is_tensorflow, input_values=values)


def _labels_of(lists: list[int], outputs: Sequence[Output]) -> int | None:
    integers = [index for index in lists if np.issubdtype(outputs[index].dtype, np.integer)]
    if len(integers) == 1:
        return integers[0]
    named = _only(lists, outputs, ("label", "class"))
    if named is not None:
        return named
    # The outputs of Detection_PostProcess (boxes, classes, scores, count) share a name and are numbered in this order.
    is_postprocess = all("Detection_PostProcess" in outputs[index].name for index in lists)
    return min(lists, key=lambda index: outputs[index].name) if is_postprocess else None


def _only(indices: list[int], outputs: Sequence[Output], words: tuple[str, ...]) -> int | None:
    """Return the only one of `indices`, or of several the only one whose name contains one of `words`; otherwise None."""
    if len(indices) > 1:
        indices = [index for index in indices if any(word in outputs[index].name.lower() for word in words)]
    return indices[0] if len(indices) == 1 else None


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(array, np.float32))


def _probabilities(values: Tensor) -> Tensor:
    """Convert logits to probabilities; values that all lie in [0, 1] are taken for probabilities already."""
    is_probability = not values.numel() or (values.min() >= 0 and values.max() <= 1)
    return values if is_probability else values.sigmoid()
