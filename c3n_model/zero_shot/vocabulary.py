"""The visual labels that C3IM chooses from, and their confidence by each visual model (classifier, segmenter, detector)."""

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
PROMINENT_AREA = 0.05  # fraction of the image; below it, a segmenter's confidence is scaled down with the area
GENERIC_DISCOUNT = 2.0  # subtracted from the logits of "Animal", "Vehicle", "Music", which most AudioSet clips contain
NOT_SEEN = -1e4  # log-confidence of a class that the segmenter or detector does not find

CLASSIFIED_NOUNS = tuple(
    noun for noun in imagenet_nouns() if noun not in KINDS
)  # what an image classifier of ImageNet names


@dataclass(frozen=True)
class Vocabulary:
    """The visual labels of a zero-shot network, and for each visual model the classes that belong to a label.

    `labels`: K_v unique labels; a class that several models have is one label. `members`, `segments` and `boxes`, bool (K_v,
    classes of the model): the classes of the image classifier, of the segmenter and of the detector that a label consists of
    (no columns without such a model). `similarity` float32 (K_a, K_v). `discount` float32 (K_a,), subtracted from the audio
    logits.
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
        """Return the log-confidence (N, K_v) of each label, the maximum over the visual models.

        Args:
            class_logits: of the classifier, (N, classes); a label of several classes has the sum of their softmax values.
            masks: of the segmenter, (N, classes, h, w) in [0, 1]; a label has the maximum over the pixels, scaled down if
                its area is below PROMINENT_AREA.
            detections: of the detector, N of them; a label has the score of its best instance.
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
    """Reduce scores (..., classes) to the maximum over the classes of each label, bool (K_v, classes): (..., K_v); 0 for
    labels without classes."""
    return (scores[..., None, :] * classes.to(scores)).amax(dim=-1)


def _class_scores(found: Detections, classes: int) -> Tensor:
    """Return the score of the best instance of each class, (classes,)."""
    return found.scores.new_zeros(classes).scatter_reduce(0, found.classes, found.scores, "amax")


@cache
def matching_classes(label: str, names: tuple[str, ...]) -> tuple[int, ...]:
    """Return the indices of the classes in `names` that are the `label` itself, a kind of it, or what it is a kind of ("bird"
    for a chicken)."""
    nouns = [noun_of(name) for name in names]
    return tuple(index for index, noun in enumerate(nouns) if is_a(label, noun) or is_a(noun, label))


def classes_of_nouns(nouns: Sequence[str]) -> Tensor:
    """Return the classes of ImageNet that are each of its nouns, bool (nouns, 1000)."""
    members = torch.zeros(len(nouns), len(imagenet_names()), dtype=torch.bool)
    for row, noun in enumerate(nouns):
        members[row, list(imagenet_nouns()[noun])] = True
    return members


def noun_vocabulary(
    sounds: tuple[str, ...],
    segmenter_labels: tuple[str, ...] | None = None,
    detector_labels: tuple[str, ...] | None = None,
) -> Vocabulary:
    """Build the vocabulary of common nouns in ImageNet's hierarchy and of the segmenter's and detector's labels that can sound.

    ImageNet has no class for people; if no other model has one, the classes of what people wear represent them.
    """
    segments, boxes = ([noun_of(label) for label in labels or ()] for labels in (segmenter_labels, detector_labels))
    found = list(dict.fromkeys([*segments, *boxes]))
    sounding = source_similarity(sounds, found).any(axis=0)
    found = [noun for noun, sounds_at_all in zip(found, sounding, strict=True) if sounds_at_all]
    labels = tuple(dict.fromkeys([*CLASSIFIED_NOUNS, *found]))
    members = torch.zeros(len(labels), len(imagenet_names()), dtype=torch.bool)
    members[: len(CLASSIFIED_NOUNS)] = classes_of_nouns(CLASSIFIED_NOUNS)
    if PERSON in found:
        members[labels.index(PERSON)] = False
    similarity = torch.from_numpy(source_similarity(sounds, labels))
    discount = torch.tensor([GENERIC_DISCOUNT * (sound in GENERIC_SOUNDS) for sound in sounds])
    return Vocabulary(labels, members, _same(labels, segments), _same(labels, boxes), similarity, discount)


def _same(labels: Sequence[str], nouns: Sequence[str]) -> Tensor:
    """Return bool (labels, nouns), true where they are equal."""
    return torch.tensor([[label == noun for noun in nouns] for label in labels], dtype=torch.bool).view(len(labels), -1)


def table_vocabulary(table: LabelTable, sounds: tuple[str, ...]) -> Vocabulary:
    """Build the vocabulary of ImageNet's 1000 labels with the similarities of a label table: plain C3IM.

    Raises:
        ValueError: the table has other labels, or another order.
    """
    check_public_labels(table.audio_labels, table.visual_labels, sounds)
    members, none = (
        torch.eye(len(table.visual_labels), dtype=torch.bool),
        torch.zeros(len(table.visual_labels), 0).bool(),
    )
    return Vocabulary(table.visual_labels, members, none, none, table.similarity, torch.zeros(len(sounds)))
