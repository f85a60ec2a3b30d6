"""Compare two evaluations on the same clips, with confidence intervals."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from c3n_model.scoring.bootstrap import mean_interval
from c3n_model.scoring.evaluation import CLIPS, METRICS

METRIC_NAMES = {"iou": "mIoU", "fscore": "F-score"}
ClipKey = tuple[str, str]  # category, name: S4 may list a video in two categories


@dataclass(frozen=True)
class Run:
    """The clips of an evaluation: for each setting, the rows of clips.csv by category and name."""

    name: str
    settings: dict[str, dict[ClipKey, dict[str, str]]]


@dataclass(frozen=True)
class Difference:
    """An official metric (batch size 1) of two runs on one setting.

    `interval` is the 95 % interval of `second` - `first` by a paired bootstrap over clips; None for a single clip.
    """

    setting: str
    metric: str
    clips: int
    first: float
    second: float
    difference: float
    interval: tuple[float, float] | None


def read_run(path: Path) -> Run:
    """Read a folder written by `c3n evaluate -o`, its metrics.json, or a clips.csv.

    Raises:
        FileNotFoundError: no clips.csv.
        ValueError: an invalid clips.csv.
    """
    table = path / CLIPS if path.is_dir() else path.with_name(CLIPS) if path.name == METRICS else path
    if not table.is_file():
        raise FileNotFoundError(f"no such file: {table}; expected a folder written by c3n evaluate -o")
    settings: dict[str, dict[ClipKey, dict[str, str]]] = {}
    try:
        with table.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                needed = {name: row[name] for name in ("frames", "truth_pixels", *METRIC_NAMES)}
                [float(value) for value in needed.values()]
                settings.setdefault(row["setting"], {})[row["category"], row["clip"]] = needed
    except (KeyError, ValueError, TypeError) as error:
        raise ValueError(f"{table} is not a clips.csv written by c3n evaluate -o: {error}") from error
    if not settings:
        raise ValueError(f"{table} lists no clips; run c3n evaluate -o again")
    return Run(str(path), settings)


def compare(first: Run, second: Run) -> list[Difference]:
    """Compare mIoU and F-score for each setting. Raises ValueError, naming the difference, for runs on different clips."""
    _check_same("settings", set(first.settings), set(second.settings), first, second)
    return [row for setting in first.settings for row in _differences(setting, first, second)]


def _differences(setting: str, first: Run, second: Run) -> Iterator[Difference]:
    rows, others = first.settings[setting], second.settings[setting]
    _check_same(f"{setting} clips", set(rows), set(others), first, second)
    for key, row in rows.items():
        for column, quantity in (("frames", "scored frames"), ("truth_pixels", "ground-truth pixels")):
            if float(row[column]) != float(others[key][column]):
                raise ValueError(
                    f"{setting} clip {key[1]} has {row[column]} {quantity} in {first.name} and {others[key][column]} in "
                    f"{second.name}; evaluate both models on the same data"
                )
    for metric in METRIC_NAMES:
        a, b = (np.array([float(table[key][metric]) for key in rows]) for table in (rows, others))
        yield Difference(
            setting, metric, len(rows), float(a.mean()), float(b.mean()), float((b - a).mean()), mean_interval(b - a)
        )


def _check_same(kind: str, ours: set, theirs: set, first: Run, second: Run) -> None:
    for only, run, other in ((ours - theirs, first, second), (theirs - ours, second, first)):
        if only:
            names = sorted(name if isinstance(name, str) else "/".join(filter(None, name)) for name in only)
            shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            raise ValueError(
                f"{kind} {shown} of {run.name} are not in {other.name}; evaluate both models on the same data, --split and "
                "--setting"
            )


def to_table(first: Run, second: Run, differences: list[Difference]) -> str:
    """Format the differences as a table."""
    lines = [f"A: {first.name}", f"B: {second.name}", "", _row("", "clips", "A", "B", "B - A", "95 % interval")]
    for row in differences:
        interval = "[{:+.3f}, {:+.3f}]".format(*row.interval) if row.interval else "none (one clip)"
        name = f"{row.setting} {METRIC_NAMES[row.metric]}"
        values = (f"{row.first:.3f}", f"{row.second:.3f}", f"{row.difference:+.3f}")
        lines.append(_row(name, str(row.clips), *values, interval))
    return "\n".join([*lines, "", "Official, batch size 1. Paired bootstrap over clips, 10,000 resamples."])


def to_json(first: Run, second: Run, differences: list[Difference]) -> str:
    """Format the differences as JSON."""
    return json.dumps(
        {"a": first.name, "b": second.name, "differences": [asdict(row) for row in differences]}, indent=2
    )


def _row(name: str, *cells: str) -> str:
    return f"{name:<12}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, (7, 8, 8, 9, 18)))
