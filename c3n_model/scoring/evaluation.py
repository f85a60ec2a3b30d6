"""The result of an evaluation: pixel counts of every frame, from which the metrics are computed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from c3n_model.scoring.metrics import (
    Curves,
    MaskCounts,
    ThresholdCounts,
    false_positive_area,
    false_positive_rate,
    frame_iou,
    mean_curves,
    mean_iou,
    official_fscore,
    official_miou,
)
from c3n_model.types import UnifiedLabel

# Files in the output folder of an evaluation.
METRICS, CLIPS, FRAMES, PAGE = "metrics.json", "clips.csv", "frames.csv", "report.html"


@dataclass(frozen=True)
class Evaluation:
    """N scored frames of the clips of one setting and split, in the order of the clips.

    `names` and `categories` have one entry per clip (the category is "" if the setting has none); `clip_index` int (N,) is
    each frame's clip and `seconds` int (N,) its second in the clip, from 0; `labels` are the N consensus labels.
    """

    setting: str
    split: str
    names: tuple[str, ...]
    categories: tuple[str, ...]
    clip_index: np.ndarray
    seconds: np.ndarray
    counts: MaskCounts
    thresholds: ThresholdCounts
    labels: tuple[UnifiedLabel, ...]

    def summary(self, batch_size: int = 1) -> dict:
        """Compute the metrics of `c3n_model.scoring.metrics`, the official ones for batches of `batch_size` clips.

        Means over no frames are None. `miou_sounding` is the mean IoU of frames whose truth is not empty. Raises ValueError
        for a batch size below 1.
        """
        sounding, curves = ~self.counts.empty_truth, self.curves()
        return {
            "setting": self.setting,
            "split": self.split,
            "clips": len(self.names),
            "frames": len(self.seconds),
            "empty_frames": int((~sounding).sum()),
            "batch_independent": {
                "miou": _none_if_nan(mean_iou(self.counts)),
                "fscore": float(curves.fscore.max()) if curves else None,
            },
            "official": {**self._official(np.arange(len(self.names)), batch_size), "batch_size": batch_size},
            "miou_sounding": _none_if_nan(mean_iou(self.counts.select(sounding))),
            "false_positive_rate": _none_if_nan(false_positive_rate(self.counts)),
            "false_positive_area": _none_if_nan(false_positive_area(self.counts)),
        }

    def by_category(self, batch_size: int = 1) -> dict[str, dict]:
        """Compute official metrics per category: {category: {"clips", "miou", "fscore"}}, sorted; empty without any."""
        of_clips = np.array(self.categories)
        members = {name: np.flatnonzero(of_clips == name) for name in sorted(set(self.categories) - {""})}
        return {name: {"clips": len(clips), **self._official(clips, batch_size)} for name, clips in members.items()}

    def curves(self) -> Curves | None:
        """Compute mean curves over the frames whose truth is not empty; None if there are none."""
        return mean_curves(self.thresholds)

    def clip_ious(self) -> np.ndarray:
        """Compute the mean IoU of each clip, float (clips,); their mean is the official mIoU for batch size 1."""
        return np.bincount(self.clip_index, frame_iou(self.counts)) / np.bincount(self.clip_index)

    def clip_fscores(self) -> np.ndarray:
        """Compute the F-score of each clip, float (clips,), 0 if its truth is empty.

        Their mean is the official F-score for batch size 1.
        """
        frames = [self.thresholds.select(self.clip_index == clip) for clip in range(len(self.names))]
        return np.array([official_fscore(part, np.zeros(len(part.truth), int)) for part in frames])

    def _official(self, clips: np.ndarray, batch_size: int) -> dict[str, float]:
        """Compute the official metrics of the given clips (ascending indices) in batches of `batch_size`."""
        if batch_size < 1:
            raise ValueError(f"the batch size is {batch_size}; expected at least 1 clip")
        chosen = np.isin(self.clip_index, clips)
        batches = np.searchsorted(clips, self.clip_index[chosen]) // batch_size
        counts, thresholds = self.counts.select(chosen), self.thresholds.select(chosen)
        return {"miou": official_miou(counts, batches), "fscore": official_fscore(thresholds, batches)}


def _none_if_nan(value: float) -> float | None:
    return None if math.isnan(value) else value
