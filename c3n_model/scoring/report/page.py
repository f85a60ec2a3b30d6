"""Write an evaluation to a folder. report.html is self-contained: it needs neither a network nor other files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from c3n_model.complete_file import write_complete
from c3n_model.scoring.evaluation import CLIPS, FRAMES, METRICS, PAGE, Evaluation
from c3n_model.scoring.report.gallery import Gallery
from c3n_model.scoring.report.tables import clip_rows, frame_rows, to_mapping, write_rows


def write_report(
    out: Path, about: dict, evaluations: list[Evaluation], galleries: list[Gallery], *, batch_size: int
) -> None:
    """Write metrics.json, clips.csv, frames.csv and report.html to `out`, creating it.

    `about` is the start of metrics.json: command, model (`tables.describe_model`), split, device. There is one evaluation and
    one gallery per setting. Raises OSError if a file cannot be written, ValueError for a number that is not finite.
    """
    out.mkdir(parents=True, exist_ok=True)
    settings = {evaluation.setting: to_mapping(evaluation, batch_size) for evaluation in evaluations}
    clips = {evaluation.setting: clip_rows(evaluation) for evaluation in evaluations}
    metrics = {**about, "settings": settings}
    write_complete(out / METRICS, json.dumps(metrics, indent=2, allow_nan=False) + "\n")
    write_rows(out / CLIPS, [row for rows in clips.values() for row in rows])
    write_rows(out / FRAMES, [row for evaluation in evaluations for row in frame_rows(evaluation)])
    page = render(metrics, clips, dict(zip(settings, galleries)))
    write_complete(out / PAGE, page)


def render(metrics: dict, clips: dict[str, list[dict]], galleries: dict[str, Gallery]) -> str:
    """Render the page. `metrics` is the content of metrics.json; `clips` and `galleries` have one entry per setting."""
    filters = {"best": _best_point}
    return fill_template("page.html.jinja", filters, metrics=metrics, clips=clips, galleries=galleries, zip=zip)


def fill_template(name: str, filters: dict[str, Callable], **values: Any) -> str:
    """Render a template of this folder with the filters `figure` and `filters`; a missing value raises an error."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"figure": figure, **filters}
    return environment.get_template(name).render(values)


def figure(value: float | None) -> str:
    """Format a number: integers unchanged, others with three decimals, None (nothing to average) as a dash."""
    if value is None:
        return "–"
    return str(value) if isinstance(value, int) else f"{value:.3f}"


def _best_point(curves: dict) -> dict:
    """Return threshold, precision, recall and fscore at the maximum of the F curve."""
    best = max(range(len(curves["fscore"])), key=curves["fscore"].__getitem__)
    return {name: values[best] for name, values in curves.items()}
