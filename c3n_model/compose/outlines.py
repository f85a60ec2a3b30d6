"""Outline pictures whose class is known, with the models of zero_shot: two of its localisers must agree on where the thing is.

Without a sound nothing has to be inferred: the label is given, and zero_shot draws it as it draws a published one. Its mask is compared with
the class activation of the image classifier, and with the outline that GrabCut makes of that.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from c3n_model.network.fusion import upsample
from c3n_model.zero_shot.localise import class_activation, grabcut, spread
from c3n_model.zero_shot.masks import ACTIVATION_THRESHOLD, GRABCUT_SIZES, LOCALISE_SIZE, View
from c3n_model.zero_shot.regions import iou
from c3n_model.zero_shot.vocabulary import PERSON, matching_classes
from c3n_model.zero_shot.zero_shot import ZeroShot

LONGEST_SIDE = 512  # pixels, to which larger pictures are reduced
AREA = (0.03, 0.8)  # fractions of the picture; less is a speck, more a close-up without surroundings
# Least IoU with the activation or its GrabCut; less is asked where a detector has the noun.
AGREEMENT, AGREEMENT_IN_BOX = 0.6, 0.1
BOXY = 0.88  # fraction of its bounding box that a region covers, from which it is the box of a detector rather than an outline
PART = 0.1  # of the largest region's area; smaller ones are dropped
HOLE = 0.02  # of the picture; smaller ones are filled
PEOPLE = 0.01  # of the picture
SAME_AS_PEOPLE = 0.4  # IoU with them
PERSON_SCORE = 0.3  # of a detection, from which a person is in the picture


@dataclass(frozen=True)
class Outline:
    """The `mask` bool (H, W) of a thing in `rgb` uint8 (H, W, 3); whether there are `people`, who are not outlined; `refused`, the
    reason why it should not be used, or ""."""

    rgb: np.ndarray
    mask: np.ndarray
    people: bool
    refused: str


@torch.no_grad()
def outline(network: ZeroShot, rgb: np.ndarray, noun: str) -> Outline:
    """Outline a thing that is known to be in a picture uint8 (H, W, 3). Raises ValueError for a noun that zero_shot cannot see."""
    labels, members = network.vocabulary.labels, network.vocabulary.members
    if noun not in labels or not members[labels.index(noun)].any():
        raise ValueError(f"the image classifier has no {noun}")
    label = labels.index(noun)
    scale = LONGEST_SIDE / max(rgb.shape[:2])
    if scale < 1:
        rgb = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    frame = torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1).float() / 255
    view = View(
        frame,
        network.segmenter(frame[None])[0] if network.segmenter is not None else None,
        network.detector(frame[None])[0] if network.detector is not None else None,
    )
    logits, (instances,) = network.mask_of([view], torch.tensor([label]))
    people, seen = _people(network, view), _activated(network, frame, members[label])
    mask = tidy((logits[0] > 0).numpy())
    overlap = max(_overlap(mask, other) for other in seen)
    shows_people = bool(people.mean() >= PEOPLE) or _detected(network, view)
    return Outline(rgb, mask, shows_people, _refusal(mask, overlap, people, instances is not None))


def tidy(mask: np.ndarray) -> np.ndarray:
    """Drop small parts of a mask bool (H, W), and fill small holes."""
    _, numbers, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    areas = stats[1:, cv2.CC_STAT_AREA]
    kept = np.isin(numbers, 1 + np.flatnonzero(areas >= PART * areas.max(initial=0))) if len(areas) else mask.copy()
    _, numbers, stats, _ = cv2.connectedComponentsWithStats((~kept).astype(np.uint8), connectivity=4)
    rim = np.unique(np.concatenate([numbers[0], numbers[-1], numbers[:, 0], numbers[:, -1]]))
    small = np.setdiff1d(np.flatnonzero(stats[:, cv2.CC_STAT_AREA] < HOLE * mask.size), rim)
    return kept | (np.isin(numbers, small) & ~kept)


def _refusal(mask: np.ndarray, overlap: float, people: np.ndarray, boxed: bool) -> str:
    if not AREA[0] <= mask.mean() <= AREA[1]:
        return "it would cover too little or too much of the picture"
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if (stats[1:, cv2.CC_STAT_AREA] / (stats[1:, cv2.CC_STAT_WIDTH] * stats[1:, cv2.CC_STAT_HEIGHT])).max() > BOXY:
        return "only a box of it was found"
    if _overlap(mask, people) > SAME_AS_PEOPLE:
        return "people were outlined"
    if overlap < (AGREEMENT_IN_BOX if boxed else AGREEMENT):
        return "its localisers do not agree"
    return ""


def _activated(network: ZeroShot, frame: Tensor, members: Tensor) -> list[np.ndarray]:
    """Where the image classifier sees its classes `members` bool (classes,), and GrabCut's outline of that, bool (H, W) each."""
    square, size = upsample(frame[None], (LOCALISE_SIZE, LOCALISE_SIZE)), tuple(frame.shape[1:])
    activation = spread(*class_activation(network.visual_encoder, square, members[None]))
    active = ACTIVATION_THRESHOLD["affinity"]
    cut = grabcut(activation, frame[None], active, GRABCUT_SIZES[LOCALISE_SIZE])
    levels = ((activation, active), (cut, 0.5))
    return [(upsample(plane[:, None], size)[0, 0] > level).numpy() for plane, level in levels]


def _people(network: ZeroShot, view: View) -> np.ndarray:
    """The segmenter's people, bool (H, W)."""
    classes = matching_classes(PERSON, network.segmenter.labels) if network.segmenter is not None else ()
    if view.masks is None or not classes:
        return np.zeros(tuple(view.frame.shape[1:]), bool)
    plane = view.masks[list(classes)].amax(dim=0)
    return (upsample(plane[None, None], tuple(view.frame.shape[1:]))[0, 0] > 0.5).numpy()


def _detected(network: ZeroShot, view: View) -> bool:
    """Whether the detector sees a person."""
    if view.detections is None or network.detector is None:
        return False
    classes = torch.tensor(matching_classes(PERSON, network.detector.labels), device=view.detections.classes.device)
    return bool((view.detections.scores[torch.isin(view.detections.classes, classes)] >= PERSON_SCORE).any())


def _overlap(first: np.ndarray, second: np.ndarray) -> float:
    return iou(torch.from_numpy(first), torch.from_numpy(second))
