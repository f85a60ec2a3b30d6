"""`c3n zero-shot-bench`: measure settings of the zero-shot model on every row, side by side."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from c3n_model.experiments.zero_shot import names, streams
from c3n_model.experiments.zero_shot.figures import differences, scene_columns, summarise
from c3n_model.experiments.zero_shot.remembering import remember_encodings
from c3n_model.experiments.zero_shot.streams import Stream
from c3n_model.experiments.zero_shot.tasks import RowClips, Tasks
from c3n_model.model import Model
from c3n_model.progress import Progress
from c3n_model.scoring.evaluate import evaluate
from c3n_model.scoring.evaluation import Evaluation
from c3n_model.scoring.report.gallery import Gallery, make_gallery
from c3n_model.scoring.report.tables import describe_model
from c3n_model.streaming.session import Session

WARM_UP = 2  # steps of a stream that are not timed
SHOWN = 3  # pictures of the best, the worst and the wrongly painted scenes of a row


@dataclass(frozen=True)
class Measured:
    """What one setting did. `figures` is what bench.json holds; `columns` are the rows' scene by scene, to compare settings;
    `evaluations` and `galleries` are those of the rows, for its page; `recordings` its pictures of clips and pairs."""

    name: str
    figures: dict[str, Any]
    columns: dict[str, dict[str, np.ndarray]]
    evaluations: list[Evaluation]
    galleries: list[Gallery]
    recordings: list[names.Recording]


def measure(
    name: str, source: str, model: Model, tasks: Tasks, split: str, device: str, progress: Progress
) -> Measured:
    """Measure one setting; `source` is where it was loaded from. The model remembers its encodings from then on."""
    described = describe_model(source, model)
    costs = cost_per_mask(model, tasks.timed, device)
    remember_encodings(model)
    at = next(model.network.parameters()).device
    played = names.play_clips(model, tasks.data.avsbench_clips, device, progress)
    pairs = names.play_pairs(model, tasks.data.pairs, device, progress)
    rows, columns, evaluations, galleries = {}, {}, [], []
    for row in tasks.rows:
        clips = RowClips(row, split, model.sample_rate, model.config.history)
        evaluation = evaluate(model, clips, at, progress, gated=True)
        columns[row.name] = scene_columns(row.scenes, evaluation)
        rows[row.name] = {"about": row.about, **summarise(row.scenes, columns[row.name])}
        evaluations.append(evaluation)
        groups = [scene.group for scene in row.scenes]
        gallery = make_gallery(model, clips, evaluation, at, progress, gated=True, shown=SHOWN, groups=groups)
        nothing_sounds = bool(evaluation.counts.empty_truth.all())  # then the worst are those that are painted
        galleries.append(replace(gallery, worst=()) if nothing_sounds else gallery)
    figures = {
        "model": described,
        **costs,
        "rows": rows,
        "painted_wrong": _painted_wrong(rows),
        "lingering": streams.lingering(model, tasks.lingering, device, progress),
        "switching": streams.switching(model, tasks.switching, device, progress),
        "tagger": names.tag(model, tasks.data.sounds, at, progress),
        "pairs": [recording.as_mapping() for recording in pairs],
        "avsbench_clips": [recording.as_mapping() for recording in played],
    }
    return Measured(name, figures, columns, evaluations, galleries, [*played, *pairs])


def cost_per_mask(model: Model, timed: list[Stream], device: str) -> dict[str, float | None]:
    """Measure the median cost of a step of a session in ms, from picture and sound to mask: wall time, and CPU time of all
    threads, which hardly depends on what else the machine does. None without streams."""
    session, wall_ms, cpu_ms = Session(model, device), [], []
    synchronise: Callable[[], None] = torch.cuda.synchronize if session.device.type == "cuda" else lambda: None
    for stream in timed:
        session.reset()
        for number, window in enumerate(streams.windows_of(stream, [stream.first, stream.second], model.sample_rate)):
            synchronise()
            wall_s, cpu_s = time.perf_counter(), time.process_time()
            session.step(window)
            synchronise()
            if number >= WARM_UP:
                wall_ms.append(1e3 * (time.perf_counter() - wall_s))
                cpu_ms.append(1e3 * (time.process_time() - cpu_s))
    costs = {"median_ms_per_mask": wall_ms, "median_cpu_ms_per_mask": cpu_ms}
    return {name: float(np.median(values)) if values else None for name, values in costs.items()}


def compare(measured: list[Measured], tasks: Tasks) -> None:
    """Add to the figures of every setting but the first its differences to the first, row by row. In place."""
    first = measured[0]
    for other in measured[1:]:
        other.figures["differences_to_" + first.name] = {
            row.name: differences(row.scenes, other.columns[row.name], first.columns[row.name]) for row in tasks.rows
        }


def _painted_wrong(rows: dict[str, dict]) -> dict:
    """Sum up the wrong masks of all rows, and how many of them are people."""
    wrong = sum(row["wrong"] for row in rows.values())
    people = sum(row["wrong_people"] for row in rows.values())
    return {
        "scenes": sum(row["scenes"] for row in rows.values()),
        "wrong": wrong,
        "people": people,
        "people_fraction": people / wrong if wrong else None,
    }
