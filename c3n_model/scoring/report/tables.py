"""Tables of an evaluation: metrics.json (all results), clips.csv (one row per clip), frames.csv (one row per frame)."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import numpy as np

from c3n_model.complete_file import complete_file
from c3n_model.model import Model
from c3n_model.scoring.evaluation import Evaluation
from c3n_model.scoring.metrics import THRESHOLDS, frame_fscore, frame_iou
from c3n_model.types import UnifiedLabel
from c3n_model.weights.manifest import checksum_of

CARD_ESSENTIALS = ("note", "commands", "labels", "weights", "train")


def describe_model(name: str, model: Model) -> dict:
    """Describe the model loaded from `name` (`demo`, `zero_shot` or a file) for a report."""
    card = {key: model.card[key] for key in CARD_ESSENTIALS if key in model.card}
    file = {"sha256": checksum_of(Path(name))} if Path(name).is_file() else {}
    parameters = sum(parameter.numel() for parameter in model.network.parameters())
    return {"name": name, **file, "parameters": parameters, **card, "config": asdict(model.config)}


def to_mapping(evaluation: Evaluation, batch_size: int) -> dict:
    """Convert the summary, by_category and the mean curves of one setting to JSON-serialisable values."""
    curves = evaluation.curves()
    return {
        "summary": evaluation.summary(batch_size),
        "by_category": evaluation.by_category(),
        "curves": {"threshold": THRESHOLDS.tolist(), **{name: part.tolist() for name, part in asdict(curves).items()}}
        if curves
        else None,
    }


def clip_rows(evaluation: Evaluation) -> list[dict]:
    """Return one row per clip.

    `iou` and `fscore` are official for batches of one clip; `label` is the most frequent label of its frames;
    `false_positive_area` is the mean over its frames with empty truth, None without any.
    """
    counts, clips, size = evaluation.counts, evaluation.clip_index, len(evaluation.names)
    empty = counts.empty_truth
    pixels = counts.false_positive + counts.true_negative
    painted = np.bincount(clips[empty], counts.false_positive[empty] / pixels[empty], size)
    empty_frames = np.bincount(clips[empty], minlength=size)
    columns = {
        "clip": evaluation.names,
        "category": evaluation.categories,
        "frames": np.bincount(clips, minlength=size).tolist(),
        "empty_frames": empty_frames.tolist(),
        "truth_pixels": _sum(counts.true_positive + counts.false_negative, clips, size),
        "iou": evaluation.clip_ious().tolist(),
        "fscore": evaluation.clip_fscores().tolist(),
        "false_positive_area": [float(a / n) if n else None for a, n in zip(painted, empty_frames)],
        "label": [_most_frequent(evaluation, clip) for clip in range(size)],
    }
    return [{"setting": evaluation.setting, **dict(zip(columns, row))} for row in zip(*columns.values())]


def frame_rows(evaluation: Evaluation) -> list[dict]:
    """Return one row per scored frame.

    It has the IoU, F at the frame's best threshold (None if the truth is empty), pixel counts at probability 0.5, and the
    consensus label with its scores.
    """
    ious, fscores = frame_iou(evaluation.counts), frame_fscore(evaluation.thresholds)
    rows = []
    for index, (clip, second) in enumerate(zip(evaluation.clip_index.tolist(), evaluation.seconds.tolist())):
        rows.append(
            {
                "setting": evaluation.setting,
                "clip": evaluation.names[clip],
                "category": evaluation.categories[clip],
                "second": second,
                "iou": float(ious[index]),
                "fscore": None if np.isnan(fscores[index]) else float(fscores[index]),
                **{name: int(column[index]) for name, column in vars(evaluation.counts).items()},
                **asdict(evaluation.labels[index]),
            }
        )
    return rows


def write_rows(path: Path, rows: list[dict]) -> None:
    """Write a csv with a header; None becomes an empty cell."""
    with complete_file(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def label_text(label: UnifiedLabel) -> str:
    """Format a unified label as "audio ~ visual"."""
    return f"{label.audio} ~ {label.visual}"


def _sum(values: np.ndarray, clips: np.ndarray, size: int) -> list[int]:
    total = np.zeros(size, np.int64)
    np.add.at(total, clips, values)
    return total.tolist()


def _most_frequent(evaluation: Evaluation, clip: int) -> str:
    labels = (label_text(evaluation.labels[frame]) for frame in np.flatnonzero(evaluation.clip_index == clip))
    return Counter(labels).most_common(1)[0][0]
