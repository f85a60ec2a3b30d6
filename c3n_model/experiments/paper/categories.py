"""Table V: C3N by category of S4, and what its scores are over all categories."""

from __future__ import annotations

import numpy as np

from c3n_model.experiments.paper.plans import Plan, paper_tables
from c3n_model.experiments.paper.samples import Sample
from c3n_model.experiments.paper.table import METRICS, Cell, Row, Table, as_printed, score_columns

_OVER_ALL = {"average": ("class average", np.mean), "deviation": ("deviation over classes", np.std)}
_PAPER_ONLY = "the paper's categories, which this world does not have"


def fill_categories(plan: Plan, found: dict[int, dict], comparable: bool) -> Table:
    """`found`: by seed {category: {"clips", "miou", "fscore"}}. A row for each category that there are clips of, and, where
    the data are not the paper's, for each of the paper's."""
    printed = paper_tables()["V"]["categories"]
    ours = list(next(iter(found.values())))
    rows = [_row(name, printed.get(name, {}), found, plan.rows[0].name) for name in ours]
    rows += [_over_all(key, found) for key in _OVER_ALL]
    if not comparable:
        rows += [_row(name, figures, {}, _PAPER_ONLY) for name, figures in printed.items() if name not in ours]
    return Table(plan.number, plan.title, score_columns(["s4"]), rows, plan.claims, plan.notes, comparable, plan.plot)


def _row(category: str, printed: dict, found: dict[int, dict], group: str) -> Row:
    """A row without ours where nothing is `found`."""
    cells = {}
    for metric in METRICS:
        by_seed = {seed: as_printed(metric, result[category][metric]) for seed, result in found.items()}
        cells[f"s4_{metric}"] = Cell(printed.get(metric), Sample(by_seed) if by_seed else None)
    clips = [result[category]["clips"] for result in found.values()]
    return Row(category, category.replace("_", " "), cells, group, {"clips": clips[0]} if clips else {})


def _over_all(key: str, found: dict[int, dict]) -> Row:
    """Mean or standard deviation over categories, each of the same weight."""
    (name, reduce), printed = _OVER_ALL[key], paper_tables()["V"][key]
    cells = {}
    for metric in METRICS:
        values = {seed: [row[metric] for row in result.values()] for seed, result in found.items()}
        ours = Sample({seed: as_printed(metric, float(reduce(of_seed))) for seed, of_seed in values.items()})
        cells[f"s4_{metric}"] = Cell(printed[metric], ours)
    return Row(key, name, cells, "over all categories", plotted=key == "average")
