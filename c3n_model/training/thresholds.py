"""Fit the gate of a trained C3N on its validation clips: from which presence and visibility on a mask is published.

Two gates are compared: the network's own presence with the visibility of the named class, and the IoU that
`network.mask_quality` expects, judged out of fold. The better one is kept.

Chosen is the pair of thresholds that tells right from wrong masks best (Youden's index): of all IoU in the seconds in which
something in view sounds it keeps the largest part more than of the masks in all other seconds. Unlike a difference of IoU and rate,
this does not depend on how good the masks are: a weak network is not silenced, nor a good one left open.
"""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from c3n_model.model import Model
from c3n_model.network.mask_quality import gather_evidence
from c3n_model.presence import loudness_dbfs
from c3n_model.progress import Progress
from c3n_model.scoring.evaluate import Clips, predict
from c3n_model.scoring.metrics import MASK_THRESHOLD, count, frame_iou
from c3n_model.training.quality_fit import fit_quality
from c3n_model.types import Presence

PRESENCES = np.linspace(0, 0.99, 100)
ALL_VISIBLE = np.zeros(1)
VISIBILITIES = np.array([0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5])


@dataclass(frozen=True)
class SecondScores:
    """Of n seconds: `presence` and `visibility` float (n,) in [0, 1], presence -1 in silence; `in_view` bool (n,), whether what
    sounds is in view; `iou` float (n,) of the ungated mask; `painted` bool (n,), whether it has any pixel; `evidence` float (n, 2), see
    `network.mask_quality`; `clip` int (n,), the clip of each."""

    presence: np.ndarray
    visibility: np.ndarray
    in_view: np.ndarray
    iou: np.ndarray
    painted: np.ndarray
    evidence: np.ndarray
    clip: np.ndarray

    @property
    def learnable(self) -> np.ndarray:
        """Whether a second asks for a decision, bool (n,): it is not silent, and there is a mask to publish."""
        return self.painted & (self.presence >= 0)


@dataclass(frozen=True)
class Gate:
    """The chosen thresholds and what they give on the clips that they were chosen on: the mean IoU of published masks where what
    sounds is in view (nothing published counts 0), and the fraction of the other seconds with a mask; both also without gate."""

    presence_threshold: float
    visibility_threshold: float
    iou_in_view: float
    painted_without: float
    iou_ungated: float
    painted_ungated: float
    seconds_in_view: int
    seconds_without: int

    @property
    def index(self) -> float:
        """Youden's index: the fraction of the IoU in view that is kept, less that of the other masks."""
        return self.iou_in_view / max(self.iou_ungated, 1e-9) - self.painted_without / max(self.painted_ungated, 1e-9)

    def as_mapping(self) -> dict[str, Any]:
        """The fields, for a card."""
        return asdict(self)


def choose_gate(scores: SecondScores, visibilities: np.ndarray = VISIBILITIES) -> Gate | None:
    """Choose thresholds, of equally good ones the lowest; None unless there are seconds of both kinds."""
    seen = scores.in_view
    if seen.all() or not seen.any():
        return None
    best, highest = None, -np.inf
    all_iou, all_painted = max(float(scores.iou[seen].mean()), 1e-9), max(float(scores.painted[~seen].mean()), 1e-9)
    for visibility in visibilities:
        visible = scores.visibility >= visibility
        for presence in PRESENCES:
            published = visible & (scores.presence >= presence)
            iou = float((scores.iou * published)[seen].mean())
            painted = float((scores.painted & published)[~seen].mean())
            index = iou / all_iou - painted / all_painted
            if index > highest + 1e-9:
                highest = index
                best = Gate(
                    float(presence), float(visibility), iou, painted,
                    float(scores.iou[seen].mean()), float(scores.painted[~seen].mean()),
                    int(seen.sum()), int((~seen).sum()),
                )  # fmt: skip
    return best


def fit_gate(model: Model, scores: SecondScores) -> tuple[Model, Gate | None]:
    """Return the model with the better gate of the two and its thresholds, and what it gives; None, and the model as it is, unless
    there are seconds of both kinds. The model must not have `mask_quality` when it is scored."""
    gate = choose_gate(scores)
    fitted = fit_quality(scores.evidence, scores.learnable, scores.in_view, scores.iou, scores.clip)
    if gate is not None and fitted is not None:
        expected = np.where(scores.presence < 0, -1.0, fitted.out_of_fold)
        judged = choose_gate(replace(scores, presence=expected), ALL_VISIBLE)
        if judged is not None and judged.index > gate.index:
            gate, model.network.mask_quality = judged, fitted.quality
    if gate is None:
        return model, None
    config = replace(
        model.config, presence_threshold=gate.presence_threshold, visibility_threshold=gate.visibility_threshold
    )
    return replace(model, config=config), gate


def score_seconds(model: Model, datasets: list[Clips], device: torch.device, progress: Progress) -> SecondScores:
    """Predict the seconds of all clips that have a mask, without a gate."""
    model.network.to(device).eval()
    rows: list[tuple] = []
    numbers = itertools.count()
    for clips in datasets:
        for index in progress(range(len(clips)), f"thresholds on {clips.setting} {clips.split}"):
            clip = clips[index]
            probabilities, decoding = predict(model, clip.frames, clip.snippets, device, select=clip.has_mask)
            counts = count(probabilities > MASK_THRESHOLD, clip.masks[clip.has_mask])
            loud = [loudness_dbfs(snippet) > Presence.SILENCE_DBFS for snippet in clip.snippets[clip.has_mask]]
            presence = np.where(loud, decoding.presence.cpu().numpy(), -1.0)
            painted = counts.true_positive + counts.false_positive > 0
            visible = decoding.consensus.visual_score.cpu().numpy()
            evidence = gather_evidence(decoding.logits, decoding.consensus.audio_score).cpu().numpy()
            number = np.full(len(presence), next(numbers))
            rows.append((presence, visible, ~counts.empty_truth, frame_iou(counts), painted, evidence, number))
    return SecondScores(*(np.concatenate(column) for column in zip(*rows, strict=True)))
