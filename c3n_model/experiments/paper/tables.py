"""Fill plans: the jobs that a table needs, and the table from their scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from c3n_model.experiments.cost.describe import PAPER_CONFIG, describe
from c3n_model.experiments.paper.categories import fill_categories
from c3n_model.experiments.paper.plans import Plan, PlannedRow, paper_tables
from c3n_model.experiments.paper.recipes import Recipe
from c3n_model.experiments.paper.runs import Job
from c3n_model.experiments.paper.samples import Sample
from c3n_model.experiments.paper.table import METRICS, Cell, Column, Row, Table, as_printed, score_columns

Scores = Callable[[Job], dict]

# Further values of an evaluation's summary.
_MORE = ("miou_sounding", "false_positive_rate", "false_positive_area")


@dataclass(frozen=True)
class Study:
    """Parameters for all tables: the number of `seeds` by table number, and the `settings` of AVSBench; `caveat` as of `table.Table`."""

    recipe: Recipe
    seeds: dict[str, int]
    settings: list[str]
    caveat: str

    def jobs(self, plan: Plan) -> list[Job]:
        """List all trainings and scorings that the plan needs."""
        return [
            self.job(plan, row, setting, seed)
            for row in plan.rows
            if row.trial is not None
            for setting in self.settings_of(plan)
            for seed in range(self.seeds[plan.number])
        ]

    def job(self, plan: Plan, row: PlannedRow, setting: str, seed: int) -> Job:
        experiment = self.recipe.experiment(row.trial.pair, row.trial.changes, setting, seed)
        return Job(experiment, plan.split, row.trial.noise)

    def settings_of(self, plan: Plan) -> list[str]:
        return ["s4"] if plan.number == "V" else self.settings


def fill_table(plan: Plan, study: Study, scores: Scores) -> Table:
    """Fill a plan with the results of its jobs, which `scores` returns."""
    seeds = range(study.seeds[plan.number])
    if plan.number == "V":
        results = {seed: scores(study.job(plan, plan.rows[0], "s4", seed))["by_category"] for seed in seeds}
        return fill_categories(plan, results, study.caveat)
    rows = [_fill_row(plan, row, study, scores) for row in plan.rows]
    columns = score_columns(study.settings_of(plan))
    return Table(plan.number, plan.title, columns, rows, plan.claims, plan.notes, study.caveat, plan.plot)


def _fill_row(plan: Plan, row: PlannedRow, study: Study, scores: Scores) -> Row:
    cells, details = {}, {}
    for setting in study.settings_of(plan):
        results = {}
        if row.trial is not None:
            results = {seed: scores(study.job(plan, row, setting, seed)) for seed in range(study.seeds[plan.number])}
        summaries = {seed: result["summary"] for seed, result in results.items()}
        for metric in METRICS:
            key = f"{setting}_{metric}"
            official, independent = (_sample(summaries, form, metric) for form in ("official", "batch_independent"))
            cells[key] = Cell(row.printed[key], official, independent)
        if results:
            details[setting] = {
                "clips": next(iter(summaries.values()))["clips"],
                **{name: {seed: summary[name] for seed, summary in summaries.items()} for name in _MORE},
                **{name: {seed: result[name] for seed, result in results.items()} for name in ("training_seconds", "scoring_seconds")},
            }  # fmt: skip
    return Row(row.key, row.name, cells, row.group, details)


def _sample(summaries: dict[int, dict], form: str, metric: str) -> Sample | None:
    """Return our values; None if nothing was trained, or there is nothing to average (all truth is empty)."""
    values = {seed: summary[form][metric] for seed, summary in summaries.items()}
    known = {seed: as_printed(metric, value) for seed, value in values.items() if value is not None}
    return Sample(known) if known else None


def count_cost() -> Table:
    """Fill Table IV for the paper's network as the counter thop would; nothing is trained or measured."""
    paper, description = paper_tables()["IV"], describe(PAPER_CONFIG)
    figures = {
        "gflops": ("FLOPs (G)", lambda cost: description.as_thop_counts(cost) / 1e9),
        "parameters_m": ("parameters (M)", lambda cost: cost.parameters / 1e6),
    }
    rows = []
    for key, (name, of) in figures.items():
        baseline, c3n = of(description.baseline), of(description.c3n)
        ours = {"baseline": baseline, "c3n": c3n, "increase_percent": 100 * (c3n - baseline) / baseline}
        cells = {column: Cell(paper[key][column], Sample({0: value})) for column, value in ours.items()}
        rows.append(Row(key, name, cells))
    columns = [Column("baseline", "baseline", 2), Column("c3n", "C3N", 2), Column("increase_percent", "Δ (%)", 3)]
    notes = [
        "Counted, not measured, for the paper's network (PVTv2-b5 and VGGish, 5 frames of 224 x 224); this table does not depend "
        "on the data.",
        '"FLOPs" are the MACs counted by thop, without products outside layers and without the backward pass of CCAM. '
        f"With both, C3N has {description.c3n.macs / 1e9:.1f} G, the baseline {description.baseline.macs / 1e9:.1f} G.",
    ]
    return Table("IV", paper["title"], columns, rows, notes=notes)
