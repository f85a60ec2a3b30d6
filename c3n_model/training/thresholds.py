"""Fit on validation clips what a trained C3N's masks need: which pixels belong to them, and when they are published.

A network that knows its training pictures by heart is too careful with others: its logits are right in order, but too low. So first all
logits are shifted by what gives the best IoU of the seconds in which something in view sounds.

Two gates are compared: the network's own presence with the visibility of the named class, and the IoU that
`network.mask_quality` expects, judged out of fold. The better one is kept.

Chosen is the pair of thresholds that tells right from wrong masks best (Youden's index): of all IoU in the seconds in which
something in view sounds it keeps the largest part more than of the masks in all other seconds. Unlike a difference of IoU and rate,
this does not depend on how good the masks are: a weak network is not silenced, nor a good one left open.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from c3n_model.model import Model
from c3n_model.network.mask_quality import gather_evidence
from c3n_model.presence import loudness_dbfs
from c3n_model.progress import Progress
from c3n_model.scoring.evaluate import Clips, predict
from c3n_model.scoring.metrics import count, frame_iou
from c3n_model.training.quality_fit import fit_quality
from c3n_model.types import Presence

PRESENCES = np.linspace(0, 0.99, 100)
ALL_VISIBLE = np.zeros(1)
SHIFTS = np.arange(-1, 5.01, 0.5)  # of mask logits; 0 is among them
NOT_FITTED = "not fitted: the validation clips do not have both seconds with and without a sounding object in view"
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

    @property
    def mean_iou(self) -> float:
        """The mean IoU of the seconds in view; 0 without any."""
        return float(self.iou[self.in_view].mean()) if self.in_view.any() else 0.0


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
    ungated = (scores.mean_iou, float(scores.painted[~seen].mean()), int(seen.sum()), int((~seen).sum()))
    best: Gate | None = None
    for visibility in visibilities:
        visible = scores.visibility >= visibility
        for presence in PRESENCES:
            published = visible & (scores.presence >= presence)
            iou = float((scores.iou * published)[seen].mean())
            painted = float((scores.painted & published)[~seen].mean())
            gate = Gate(float(presence), float(visibility), iou, painted, *ungated)
            if best is None or gate.index > best.index + 1e-9:
                best = gate
    return best


def fit_masks(model: Model, by_shift: Mapping[float, SecondScores]) -> tuple[Model, dict[str, Any] | None]:
    """Shift the mask logits by the best of the shifts, in place, and fit the gate of what this gives, see `fit_gate`.

    Returns the model and a description for its card; None, and nothing is changed, unless there are seconds of both kinds."""
    shift = max(by_shift, key=lambda value: (by_shift[value].mean_iou, -abs(value)))
    fitted, gate = fit_gate(model, by_shift[shift])
    if gate is None:
        return model, None
    with torch.no_grad():
        fitted.network.decoder.classify.bias += shift
    return fitted, {**gate.as_mapping(), "mask_shift": shift, "iou_unshifted": by_shift[0.0].mean_iou}


def with_fitted_thresholds(model: Model, clips: list[Clips], device: torch.device, progress: Progress) -> Model:
    """Return the model with a gate and a shift of its masks fitted to `clips`, see `fit_masks`; its card says what this gives, or why
    nothing was fitted."""
    model.network.mask_quality = None  # a finished training is loaded with what was fitted before
    model, fitted = fit_masks(model, score_seconds(model, clips, device, progress))
    return replace(model, card={**model.card, "thresholds": fitted or NOT_FITTED})


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


def score_seconds(
    model: Model, datasets: list[Clips], device: torch.device, progress: Progress
) -> dict[float, SecondScores]:
    """Predict the seconds of all clips that have a mask, without a gate, and score them with each of SHIFTS."""
    model.network.to(device).eval()
    rows: dict[float, list[tuple]] = {float(shift): [] for shift in SHIFTS}
    numbers = itertools.count()
    for clips in datasets:
        for index in progress(range(len(clips)), f"thresholds on {clips.setting} {clips.split}"):
            clip = clips[index]
            probabilities, decoding = predict(model, clip.frames, clip.snippets, device, select=clip.has_mask)
            loud = [loudness_dbfs(snippet) > Presence.SILENCE_DBFS for snippet in clip.snippets[clip.has_mask]]
            presence = np.where(loud, decoding.presence.cpu().numpy(), -1.0)
            visible = decoding.consensus.visual_score.cpu().numpy()
            number = np.full(len(presence), next(numbers))
            for shift, scored in rows.items():
                counts = count(probabilities > 1 / (1 + np.exp(shift)), clip.masks[clip.has_mask])
                painted = counts.true_positive + counts.false_positive > 0
                evidence = gather_evidence(decoding.logits + shift, decoding.consensus.audio_score).cpu().numpy()
                scored.append((presence, visible, ~counts.empty_truth, frame_iou(counts), painted, evidence, number))
    return {
        shift: SecondScores(*(np.concatenate(column) for column in zip(*scored, strict=True)))
        for shift, scored in rows.items()
    }
