"""Scores a model under all conditions, as the network predicts and as a live session publishes (with the gate).

With p for the sound that belongs to the frames and n for the negative conditions, AVSBench-Robust's global metrics are

    G-mIoU = 2 mIoU_p (1 - mIoU_n) / (mIoU_p + 1 - mIoU_n)      G-F likewise      FPR = predicted pixels / pixels of a frame

with mIoU_n and F_n against the *same* masks as mIoU_p, whose objects are silent now, as means over the three negative
conditions. The paper's own formula was not found: the harmonic mean is an assumption that agrees with those figures of its
baselines that were compared. mIoU_n is of the frames whose mask is not empty, because AVSBench's rule counts a correctly
empty prediction of an empty mask as 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from c3n_model.data.avsbench import AVSBench
from c3n_model.experiments.robustness.conditions import NEGATIVE, Condition
from c3n_model.model import Model
from c3n_model.progress import Progress
from c3n_model.scoring.evaluate import evaluate_gate
from c3n_model.scoring.evaluation import Evaluation
from c3n_model.types import Clip

NETWORK, GATED = "network", "gated"


@dataclass(frozen=True)
class Scores:
    """A model under one condition. `miou` and `fscore` are official (batches of one clip), `miou_sounding` is of the frames whose
    truth is not empty; `painted` is the fraction of frames with any predicted pixel, `area` the mean fraction of predicted
    pixels, both over all frames: false positives in a negative condition. `left_out` counts clips to which the condition does
    not apply."""

    clips: int
    left_out: int
    miou: float
    fscore: float
    miou_sounding: float | None
    painted: float
    area: float


class _Altered:
    """The clips of a data set under a condition."""

    def __init__(self, clips: AVSBench, indices: list[int], condition: Condition):
        self.setting, self.split = clips.setting, f"{clips.split}, {condition.name}"
        self._clips, self._condition = clips, condition
        self._indices = [index for index in indices if condition.applies(clips.clips[index])]

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int) -> Clip:
        return self._condition.alter(self._clips[self._indices[index]])


def measure(
    model: Model, clips: AVSBench, every: list[Condition], count: int, device: torch.device, progress: Progress
) -> dict[str, dict[str, Scores | None]]:
    """Return {condition: {"network": ..., "gated": ...}} of the first `count` clips; None for a condition without clips."""
    indices = list(range(min(count, len(clips))))
    table: dict[str, dict[str, Scores | None]] = {}
    for condition in every:
        altered = _Altered(clips, indices, condition)
        if not len(altered):
            table[condition.name] = {NETWORK: None, GATED: None}
            continue
        pair = evaluate_gate(model, altered, device, progress)
        left_out = len(indices) - len(altered)
        table[condition.name] = {name: _scores(part, left_out) for name, part in zip((NETWORK, GATED), pair)}
    return table


def _scores(evaluation: Evaluation, left_out: int) -> Scores:
    summary, counts = evaluation.summary(), evaluation.counts
    predicted = counts.true_positive + counts.false_positive
    pixels = predicted + counts.false_negative + counts.true_negative
    return Scores(
        clips=len(evaluation.names),
        left_out=left_out,
        miou=summary["official"]["miou"],
        fscore=summary["official"]["fscore"],
        miou_sounding=summary["miou_sounding"],
        painted=float((predicted > 0).mean()),
        area=float((predicted / pixels).mean()),
    )


def global_metrics(table: dict[str, dict[str, Scores | None]], every: list[Condition], kind: str) -> dict[str, Any]:
    """Return AVSBench-Robust's global metrics of the network ("network") or of what is published ("gated"); {} without any negative
    condition."""
    clean = table["clean"][kind]
    negative = [scores for each in every if each.group == NEGATIVE and (scores := table[each.name][kind]) is not None]
    if clean is None or not negative:
        return {}
    miou = np.mean([scores.miou_sounding or 0.0 for scores in negative])
    fscore = np.mean([scores.fscore for scores in negative])
    return {
        "G-mIoU": harmonic_mean(clean.miou, 1 - float(miou)),
        "G-F": harmonic_mean(clean.fscore, 1 - float(fscore)),
        "FPR": float(np.mean([scores.area for scores in negative])),
        "frames painted": float(np.mean([scores.painted for scores in negative])),
    }


def harmonic_mean(first: float, second: float) -> float:
    """Return the harmonic mean of two values in [0, 1]; 0 if either is."""
    return 2 * first * second / (first + second) if first + second > 0 else 0.0
