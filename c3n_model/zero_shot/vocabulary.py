"""What can be seen: the visual labels that C3IM chooses among, and how confident each classifier is of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from c3n_model.labels.names import check_public_labels, imagenet_names
from c3n_model.labels.similarity_table import LabelTable
from c3n_model.labels.sound_sources import GENERIC_SOUNDS, KINDS, imagenet_nouns, noun_of, source_similarity

PERSON = "person"
PROMINENT_AREA = 0.05  # of the picture; what a segmenter finds is less certain the smaller it is
GENERIC_DISCOUNT = 2.0  # of the logits of "Animal", "Vehicle", "Music": they are in most of AudioSet's clips
NOT_SEEN = -1e4  # log-confidence of a class that a segmenter does not find


@dataclass(frozen=True)
class Vocabulary:
    """The visual labels of a zero-shot network: first those an image classifier knows, then a segmenter's.

    `labels` K_v of them; `members` bool (K_c, classes of the classifier), the classes each of the first K_c labels consists
    of; `segments` int64 (K_v - K_c,), the segmenter's class of each of the others; `similarity` float32 (K_a, K_v);
    `discount` float32 (K_a,), what is taken off the audio logits.
    """

    labels: tuple[str, ...]
    members: Tensor
    segments: Tensor
    similarity: Tensor
    discount: Tensor

    def log_confidence(self, class_logits: Tensor, masks: Tensor | None) -> Tensor:
        """Classifier logits (N, classes) and a segmenter's masks (N, classes, h, w) in [0, 1] -> log-confidence (N, K_v).

        A label of several classes has the sum of their softmax confidences. What a segmenter finds has its highest
        confidence, less where it covers under PROMINENT_AREA of the picture.
        """
        each = class_logits.log_softmax(dim=1)[:, None].masked_fill(~self.members.to(class_logits.device), -torch.inf)
        classified = each.logsumexp(dim=2)
        if masks is None:
            return classified
        found = masks[:, self.segments.to(masks.device)]
        area = (found > 0.5).float().mean(dim=(2, 3)) / PROMINENT_AREA
        segmented = (found.amax(dim=(2, 3)) * area.clamp(max=1)).log().clamp(min=NOT_SEEN)
        return torch.cat([classified, segmented.to(classified)], dim=1)


def noun_vocabulary(sounds: tuple[str, ...], segmenter_labels: tuple[str, ...] | None) -> Vocabulary:
    """Everyday nouns over ImageNet's hierarchy, and a segmenter's labels that could make a sound.

    ImageNet has no person; without a segmenter what people wear stands in for them.
    """
    found = [noun_of(label) for label in segmenter_labels or ()]
    left_out = {*KINDS, PERSON} if PERSON in found else set(KINDS)
    nouns = [noun for noun in imagenet_nouns() if noun not in left_out]
    members = torch.zeros(len(nouns), len(imagenet_names()), dtype=torch.bool)
    for row, noun in enumerate(nouns):
        members[row, list(imagenet_nouns()[noun])] = True
    sounding = source_similarity(sounds, found).any(axis=0) if found else np.zeros(0, bool)
    segments = np.flatnonzero(sounding)
    labels = (*nouns, *(found[index] for index in segments))
    similarity = torch.from_numpy(source_similarity(sounds, labels))
    discount = torch.tensor([GENERIC_DISCOUNT * (sound in GENERIC_SOUNDS) for sound in sounds])
    return Vocabulary(labels, members, torch.from_numpy(segments), similarity, discount)


def table_vocabulary(table: LabelTable, sounds: tuple[str, ...]) -> Vocabulary:
    """ImageNet's own 1000 labels with the similarities of a label table: plain C3IM.

    Raises:
        ValueError: the table is of other labels, or has them in another order.
    """
    check_public_labels(table.audio_labels, table.visual_labels, sounds)
    members = torch.eye(len(table.visual_labels), dtype=torch.bool)
    no_segments, no_discount = torch.zeros(0, dtype=torch.int64), torch.zeros(len(sounds))
    return Vocabulary(table.visual_labels, members, no_segments, table.similarity, no_discount)
