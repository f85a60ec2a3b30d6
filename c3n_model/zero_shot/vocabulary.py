"""What can be seen: the visual labels that C3IM chooses among, and how confident each source is of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from c3n_model.labels.names import check_public_labels, imagenet_names
from c3n_model.labels.similarity_table import LabelTable
from c3n_model.labels.sound_sources import GENERIC_SOUNDS, KINDS, imagenet_nouns, is_a, noun_of, source_similarity
from c3n_model.zero_shot.detections import Detections

PERSON = "person"
PROMINENT_AREA = 0.05  # of the picture; what a segmenter finds is less certain the smaller it is
GENERIC_DISCOUNT = 2.0  # of the logits of "Animal", "Vehicle", "Music": they are in most of AudioSet's clips
NOT_SEEN = -1e4  # log-confidence of a class that a segmenter or a detector does not find


@dataclass(frozen=True)
class Vocabulary:
    """The visual labels of a zero-shot network and the classes of each source that mean them. Labels are unique: what several
    sources know is one label.

    `labels` K_v of them; bool (K_v, classes of the source): `members`, the image classifier's classes that a label consists
    of, `segments`, the segmenter's, and `boxes`, the detector's (no columns without such a source); `similarity` float32
    (K_a, K_v); `discount` float32 (K_a,), what is taken off the audio logits.
    """

    labels: tuple[str, ...]
    members: Tensor
    segments: Tensor
    boxes: Tensor
    similarity: Tensor
    discount: Tensor

    def log_confidence(
        self, class_logits: Tensor, masks: Tensor | None = None, detections: Sequence[Detections] | None = None
    ) -> Tensor:
        """Return the log-confidence (N, K_v): that of the source which is the most confident of a label.

        Args:
            class_logits: the classifier's (N, classes); a label of several classes has the sum of their softmax confidences.
            masks: a segmenter's (N, classes, h, w) in [0, 1]; what it finds has its highest confidence, less where it
                covers under PROMINENT_AREA of the picture.
            detections: a detector's, N of them; a label has the score of its best instance.
        """
        each = class_logits.log_softmax(dim=1)[:, None].masked_fill(~self.members.to(class_logits.device), -torch.inf)
        confidence = each.logsumexp(dim=2)
        others = []
        if masks is not None:
            area = (masks > 0.5).float().mean(dim=(2, 3)) / PROMINENT_AREA
            others.append(_best(masks.amax(dim=(2, 3)) * area.clamp(max=1), self.segments))
        if detections is not None:
            others.append(
                torch.stack([_best(_class_scores(found, self.boxes.shape[1]), self.boxes) for found in detections])
            )
        for found in others:
            confidence = torch.maximum(confidence, found.to(confidence).log().clamp(min=NOT_SEEN))
        return confidence


def _best(scores: Tensor, classes: Tensor) -> Tensor:
    """The highest of scores (..., classes) among those of each label, bool (K_v, classes) -> (..., K_v); 0 for none."""
    return (scores[..., None, :] * classes.to(scores)).amax(dim=-1)


def _class_scores(found: Detections, classes: int) -> Tensor:
    """The score of the best instance of each class, (classes,)."""
    return found.scores.new_zeros(classes).scatter_reduce(0, found.classes, found.scores, "amax")


@cache
def kin(label: str, names: tuple[str, ...]) -> tuple[int, ...]:
    """Return the indices of those classes of a segmenter or detector that show a `label`: its own, and those of which it is
    a kind or which are a kind of it ("bird" shows a chicken)."""
    nouns = [noun_of(name) for name in names]
    return tuple(index for index, noun in enumerate(nouns) if is_a(label, noun) or is_a(noun, label))


def noun_vocabulary(
    sounds: tuple[str, ...],
    segmenter_labels: tuple[str, ...] | None = None,
    detector_labels: tuple[str, ...] | None = None,
) -> Vocabulary:
    """Everyday nouns over ImageNet's hierarchy, and the labels of a segmenter and of a detector that could make a sound.

    ImageNet has no person; without another source of people what they wear stands in for them.
    """
    segments, boxes = ([noun_of(label) for label in labels or ()] for labels in (segmenter_labels, detector_labels))
    found = list(dict.fromkeys([*segments, *boxes]))
    sounding = source_similarity(sounds, found).any(axis=0)
    found = [noun for noun, sounds_at_all in zip(found, sounding, strict=True) if sounds_at_all]
    nouns = [noun for noun in imagenet_nouns() if noun not in KINDS]
    labels = tuple(dict.fromkeys([*nouns, *found]))
    members = torch.zeros(len(labels), len(imagenet_names()), dtype=torch.bool)
    for row, noun in enumerate(nouns):
        if noun != PERSON or PERSON not in found:
            members[row, list(imagenet_nouns()[noun])] = True
    similarity = torch.from_numpy(source_similarity(sounds, labels))
    discount = torch.tensor([GENERIC_DISCOUNT * (sound in GENERIC_SOUNDS) for sound in sounds])
    return Vocabulary(labels, members, _same(labels, segments), _same(labels, boxes), similarity, discount)


def _same(labels: Sequence[str], nouns: Sequence[str]) -> Tensor:
    """bool (labels, nouns): which are equal."""
    return torch.tensor([[label == noun for noun in nouns] for label in labels], dtype=torch.bool).view(len(labels), -1)


def table_vocabulary(table: LabelTable, sounds: tuple[str, ...]) -> Vocabulary:
    """ImageNet's own 1000 labels with the similarities of a label table: plain C3IM.

    Raises:
        ValueError: the table is of other labels, or has them in another order.
    """
    check_public_labels(table.audio_labels, table.visual_labels, sounds)
    members, none = (
        torch.eye(len(table.visual_labels), dtype=torch.bool),
        torch.zeros(len(table.visual_labels), 0).bool(),
    )
    return Vocabulary(table.visual_labels, members, none, none, table.similarity, torch.zeros(len(sounds)))
