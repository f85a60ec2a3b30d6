"""Table V: scores of C3N per category of S4, and their mean and deviation over categories."""

from __future__ import annotations

import numpy as np

from c3n_model.experiments.paper.plans import Plan, paper_tables
from c3n_model.experiments.paper.samples import Sample
from c3n_model.experiments.paper.table import METRICS, Cell, Row, Table, as_printed, score_columns

_OVER_ALL = {"average": ("class average", np.mean), "deviation": ("deviation over classes", np.std)}
_PAPER_ONLY = "categories of the paper that our data do not have"


def fill_categories(plan: Plan, results: dict[int, dict], caveat: str) -> Table:
    """Fill Table V from `results`, {seed: {category: {"clips", "miou", "fscore"}}}.

    There is one row for each category with clips and, if the data are not the paper's, for each of the paper's categories.
    """
    printed = paper_tables()["V"]["categories"]
    ours = list(next(iter(results.values())))
    rows = [_row(name, printed.get(name, {}), results, plan.rows[0].name) for name in ours]
    rows += [_over_all(key, results) for key in _OVER_ALL]
    if caveat:
        rows += [_row(name, figures, {}, _PAPER_ONLY) for name, figures in printed.items() if name not in ours]
    return Table(plan.number, plan.title, score_columns(["s4"]), rows, plan.claims, plan.notes, caveat, plan.plot)


def _row(category: str, printed: dict, results: dict[int, dict], group: str) -> Row:
    """Return a category's row, without values of ours if `results` is empty."""
    cells = {}
    for metric in METRICS:
        by_seed = {seed: as_printed(metric, result[category][metric]) for seed, result in results.items()}
        cells[f"s4_{metric}"] = Cell(printed.get(metric), Sample(by_seed) if by_seed else None)
    clips = [result[category]["clips"] for result in results.values()]
    return Row(category, category.replace("_", " "), cells, group, {"clips": clips[0]} if clips else {})


def _over_all(key: str, results: dict[int, dict]) -> Row:
    """Return the row of the mean or the standard deviation over categories of equal weight."""
    (name, reduce), printed = _OVER_ALL[key], paper_tables()["V"][key]
    cells = {}
    for metric in METRICS:
        values = {seed: [row[metric] for row in result.values()] for seed, result in results.items()}
        ours = Sample({seed: as_printed(metric, float(reduce(of_seed))) for seed, of_seed in values.items()})
        cells[f"s4_{metric}"] = Cell(printed[metric], ours)
    return Row(key, name, cells, "over all categories", plotted=key == "average")
