"""A row's figures: means over its scenes with bootstrap intervals over pictures, and the same for each class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from c3n_model.experiments.zero_shot.clips import RecordedSecond
from c3n_model.experiments.zero_shot.scenes import Scene
from c3n_model.experiments.zero_shot.sounds import same_thing
from c3n_model.scoring.bootstrap import grouped_mean_interval
from c3n_model.scoring.evaluation import Evaluation
from c3n_model.scoring.metrics import frame_iou

MISSED = 0.1  # IoU below which a published mask is on the wrong thing
PERSON = "person"


def scene_columns(scenes: Sequence[Scene | RecordedSecond], evaluation: Evaluation) -> dict[str, np.ndarray]:
    """Return an entry per scene of: `iou` (NaN where nothing in view sounds), `painted` whether any mask is published,
    `named` whether the consensus names what sounds, published or not (NaN where nothing in view sounds), `wrong` whether
    a mask is published that has an IoU below MISSED or where nothing in view sounds, and `person` whether such a mask
    is called a person."""
    counts = evaluation.counts
    painted = counts.true_positive + counts.false_positive > 0
    in_view = ~counts.empty_truth
    iou = np.where(in_view, frame_iou(counts), np.nan)
    names = [label.visual for label in evaluation.labels]
    named = [any(same_thing(name, noun) for noun in scene.right) for name, scene in zip(names, scenes, strict=True)]
    wrong = painted & (~in_view | (iou < MISSED))
    return {
        "iou": iou,
        "painted": painted.astype(float),
        "named": np.where(in_view, np.array(named, float), np.nan),
        "wrong": wrong.astype(float),
        "person": (wrong & np.array([name == PERSON for name in names])).astype(float),
    }


def summarise(scenes: Sequence[Scene | RecordedSecond], columns: dict[str, np.ndarray]) -> dict:
    """Return the figures of a row: those of all scenes, and `by_class`."""
    groups, nouns = np.array([scene.group for scene in scenes]), np.array([scene.noun for scene in scenes])
    classes = {
        str(noun): _figures(groups[nouns == noun], {name: column[nouns == noun] for name, column in columns.items()})
        for noun in np.unique(nouns)
    }
    return {**_figures(groups, columns), "by_class": classes}


def _figures(groups: np.ndarray, columns: dict[str, np.ndarray]) -> dict:
    """Means, None where there is nothing to average, with 95 % intervals (None for a single picture)."""
    figures: dict = {"scenes": len(groups), "pictures": len(np.unique(groups))}
    for name in ("iou", "painted", "named"):
        known = ~np.isnan(columns[name])
        values = columns[name][known]
        interval = grouped_mean_interval(values, groups[known]) if len(values) else None
        figures |= {name: float(values.mean()) if len(values) else None, f"{name}_95": interval}
    wrong = int(columns["wrong"].sum())
    return figures | {"wrong": wrong, "wrong_people": int(columns["person"].sum())}


def differences(
    scenes: Sequence[Scene | RecordedSecond], columns: dict[str, np.ndarray], reference: dict[str, np.ndarray]
) -> dict:
    """Return for `iou` and `painted` the mean difference to a reference setting, paired by scene, and its interval."""
    groups, found = np.array([scene.group for scene in scenes]), {}
    for name in ("iou", "painted"):
        change = columns[name] - reference[name]
        known = ~np.isnan(change)
        if known.any():
            interval = grouped_mean_interval(change[known], groups[known])
            found |= {name: float(change[known].mean()), f"{name}_95": interval}
    return found
