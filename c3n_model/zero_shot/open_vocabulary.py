"""The open-vocabulary eye: a detector that is told in words what to look for, and is told what is heard.

The prompt are the nouns that make the best sounds of a second (`labels/sound_sources.txt`), whether or not another model has
them as a class. What it finds joins the detector's instances: it names, separates and outlines like those. Asked for what is not
in view such models are wrong more often than those with a closed list, so only evident sounds are looked for.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from c3n_model.labels.sound_sources import SOURCE_SIMILARITY, sound_sources
from c3n_model.zero_shot.detections import Detections, best_detections, joined, no_detections, suppress
from c3n_model.zero_shot.hearing import SOUGHT_EVIDENCE, Evidence
from c3n_model.zero_shot.sight import Sight

BEST_SOUNDS = 3  # sounds whose sources are looked for


class PromptedDetector(Protocol):
    """Interface of a detector that is told in words what to look for.

    `usual_score` in (0, 1): the score on the model's own scale from which its detections are usually taken for true.
    """

    usual_score: float

    def __call__(self, frame: Tensor, nouns: tuple[str, ...]) -> Detections:
        """Detect the nouns in a frame (3, H, W) in [0, 1]; `classes` are indices of `nouns`, scores the model's own."""


class BoxOutliner(Protocol):
    """Interface of a model that outlines what a box shows."""

    def __call__(self, frame: Tensor, boxes: Tensor) -> Tensor:
        """Return masks (n, h, w) in [0, 1] of a whole frame (3, H, W) in [0, 1] for boxes (n, 4) as fractions of it."""


def source_nouns(sounds: tuple[str, ...]) -> tuple[str, ...]:
    """Return all nouns of the table of sound sources that make one of the sounds."""
    return tuple(sorted(set().union(*(sound_sources().get(sound, frozenset()) for sound in sounds))))


def nouns_to_look_for(
    audio_logits: Tensor, evidence: Evidence | None, similarity: Tensor, labels: tuple[str, ...]
) -> list[tuple[str, ...]]:
    """Return for each of M seconds the nouns that make its best sounds, those of the best sound first.

    The best sounds are the BEST_SOUNDS with the highest logits among those that some label makes ("Animal", which names a kind only,
    is none), and with `evidence` among those only that exceed their expected logits, over all seconds and in the newest one.

    Args:
        audio_logits: (M, K_a); similarity: (K_a, K_v) of the `labels`.
    """
    makes = similarity >= SOURCE_SIMILARITY
    logits = audio_logits.masked_fill(~makes.any(dim=1), -torch.inf)
    if evidence is not None:
        heard = evidence.lasting >= SOUGHT_EVIDENCE
        logits = logits.masked_fill(~heard, -torch.inf)
    best = logits.topk(min(BEST_SOUNDS, logits.shape[1]), dim=1)
    found = []
    for values, sounds in zip(best.values, best.indices, strict=True):
        columns = [makes[sound].nonzero().flatten().tolist() for sound in sounds[values.isfinite()]]
        found.append(tuple(dict.fromkeys(labels[column] for row in columns for column in row)))
    return found


class OpenVocabularyEye(nn.Module):
    """Looks for what is heard.

    Args:
        detector: finds nouns; outliner: outlines its boxes, None leaves that to the other models;
        labels: the nouns it may be asked for;
        every: number of windows of a session after which it looks again although nothing has changed, at least 1;
        own_score: score on the detector's own scale that becomes `score`, 0 for the detector's usual one;
        score: score in (0, 1) from which detections of any model name an object; min_score: below which they are discarded.
    """

    def __init__(
        self,
        detector: PromptedDetector,
        outliner: BoxOutliner | None,
        labels: tuple[str, ...],
        *,
        every: int,
        own_score: float,
        score: float,
        min_score: float,
    ):
        super().__init__()
        self.detector, self.outliner, self.labels, self.every = detector, outliner, labels, every
        self._own_score, self._score, self._min_score = own_score or detector.usual_score, score, min_score
        self._index = {label: index for index, label in enumerate(labels)}

    @torch.no_grad()
    def add(
        self,
        found: list[Detections] | None,
        frames: Tensor,
        nouns: list[tuple[str, ...]],
        first: int,
        sight: Sight | None,
    ) -> list[Detections]:
        """Add what is found of the nouns of each of M frames (M, 3, H, W) to the instances of a closed detector (None without one).

        `first` is the number of the first label among the classes of both, the classes of the closed detector before it; `sight` is
        that of a session, without which each frame is looked at.
        """
        seen = [self.look(frame, wanted, sight) for frame, wanted in zip(frames, nouns, strict=True)]
        seen = [Detections(one.boxes, one.scores, one.classes + first, one.masks) for one in seen]
        return seen if found is None else [joined(*pair) for pair in zip(found, seen, strict=True)]

    def look(self, frame: Tensor, nouns: tuple[str, ...], sight: Sight | None) -> Detections:
        """Return the instances of nouns in a frame (3, H, W); `classes` are indices of `labels`."""
        wanted = tuple(noun for noun in nouns if noun in self._index)
        known = sight.recall(wanted, frame, self.every) if sight is not None else None
        if not wanted:
            return no_detections(frame.device)
        found = self._detect(frame, wanted) if known is None else known
        if known is None and sight is not None:
            sight.remember(wanted, frame, found)
        return found

    def _detect(self, frame: Tensor, nouns: tuple[str, ...]) -> Detections:
        own = self.detector(frame, nouns)
        numbers = torch.tensor([self._index[noun] for noun in nouns], device=own.classes.device)
        scores = rescaled(own.scores, self._own_score, self._score)
        found = suppress(
            best_detections(Detections(own.boxes, scores, numbers[own.classes], own.masks), self._min_score)
        )
        if self.outliner is None or not len(found):
            return found
        return Detections(found.boxes, found.scores, found.classes, self.outliner(frame, found.boxes))


def rescaled(scores: Tensor, own: float, common: float) -> Tensor:
    """Shift the log-odds of scores in [0, 1] so that the score `own` becomes `common`, both within (0, 1)."""
    target, source = torch.logit(scores.new_tensor([common, own]), eps=1e-4)
    return torch.sigmoid(torch.logit(scores, eps=1e-6) + target - source)
