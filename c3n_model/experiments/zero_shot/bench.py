"""Measure configurations of the zero-shot model on every row of the benchmark (`c3n zero-shot-bench`)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from c3n_model.experiments.zero_shot import names, streams
from c3n_model.experiments.zero_shot.accustomed import accustom
from c3n_model.experiments.zero_shot.encoding_cache import cache_encodings
from c3n_model.experiments.zero_shot.figures import differences, scene_columns, summarise
from c3n_model.experiments.zero_shot.streams import Stream
from c3n_model.experiments.zero_shot.tasks import RowClips, Tasks
from c3n_model.model import Model
from c3n_model.progress import Progress
from c3n_model.scoring.evaluate import evaluate
from c3n_model.scoring.evaluation import Evaluation
from c3n_model.scoring.report.gallery import Gallery, make_gallery
from c3n_model.scoring.report.tables import describe_model

WARM_UP = 2  # untimed steps at the start of a stream
SHOWN = 3  # examples per row of each kind: best, worst, false positives


@dataclass(frozen=True)
class Measured:
    """Results of one configuration.

    `figures` is its entry in bench.json; `columns` are the values per scene of each row, for comparisons; `evaluations` and
    `galleries` have one entry per row, for its page; `recordings` are its pictures of clips and pairs.
    """

    name: str
    figures: dict[str, Any]
    columns: dict[str, dict[str, np.ndarray]]
    evaluations: list[Evaluation]
    galleries: list[Gallery]
    recordings: list[names.Recording]


def measure(
    name: str, source: str, model: Model, tasks: Tasks, split: str, device: str, progress: Progress
) -> Measured:
    """Measure one configuration, loaded from `source`. The model caches its encodings afterwards."""
    described = describe_model(source, model)
    costs = cost_per_mask(model, tasks.timed, device)
    cache_encodings(model)
    network_device = next(model.network.parameters()).device
    played = names.play_clips(model, tasks.data.avsbench_clips, device, progress)
    pairs = names.play_pairs(model, tasks.data.pairs, device, progress)
    rows, columns, evaluations, galleries = {}, {}, [], []
    accustomed = accustom(model, device) if any(row.accustomed for row in tasks.rows) else model
    for row in tasks.rows:
        used = accustomed if row.accustomed else model
        clips = RowClips(row, split, model.sample_rate, model.config.history)
        evaluation = evaluate(used, clips, network_device, progress, gated=True)
        columns[row.name] = scene_columns(row.scenes, evaluation)
        rows[row.name] = {"about": row.about, **summarise(row.scenes, columns[row.name])}
        evaluations.append(evaluation)
        groups = [scene.group for scene in row.scenes]
        gallery = make_gallery(
            used, clips, evaluation, network_device, progress, gated=True, shown=SHOWN, groups=groups
        )
        all_empty = bool(evaluation.counts.empty_truth.all())  # then the worst are the false positives
        galleries.append(replace(gallery, worst=()) if all_empty else gallery)
    figures = {
        "model": described,
        **costs,
        "rows": rows,
        "painted_wrong": _painted_wrong(rows),
        "lingering": streams.lingering(model, tasks.lingering, device, progress),
        "switching": streams.switching(model, tasks.switching, device, progress),
        "tagger": names.tag(model, tasks.data.sounds, network_device, progress),
        "pairs": [recording.as_mapping() for recording in pairs],
        "avsbench_clips": [recording.as_mapping() for recording in played],
    }
    return Measured(name, figures, columns, evaluations, galleries, [*played, *pairs])


def cost_per_mask(model: Model, timed: list[Stream], device: str) -> dict[str, float | None]:
    """Measure the median cost of a session's step in ms, from image and sound to mask; None without streams.

    The CPU time of all threads hardly depends on other load on the machine, unlike the wall time.
    """
    session, wall_ms, cpu_ms = streams.new_session(model, device), [], []
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
    """Add to the figures of every configuration but the first its differences to the first, row by row. In place."""
    first = measured[0]
    for other in measured[1:]:
        other.figures["differences_to_" + first.name] = {
            row.name: differences(row.scenes, other.columns[row.name], first.columns[row.name]) for row in tasks.rows
        }


def _painted_wrong(rows: dict[str, dict]) -> dict:
    """Count the wrong masks of all rows, and how many of them are labelled as people."""
    wrong = sum(row["wrong"] for row in rows.values())
    people = sum(row["wrong_people"] for row in rows.values())
    return {
        "scenes": sum(row["scenes"] for row in rows.values()),
        "wrong": wrong,
        "people": people,
        "people_fraction": people / wrong if wrong else None,
    }
