"""Data structures for the paper's tables, with the paper's values and ours."""

from __future__ import annotations

from dataclasses import dataclass, field

from c3n_model.experiments.paper.samples import Sample, paired_difference, verdict

METRICS = {"miou": ("mIoU", 2), "fscore": ("F", 3)}  # heading, digits as the paper prints them
SETTINGS = ("s4", "ms3")


@dataclass(frozen=True)
class Column:
    key: str
    heading: str
    digits: int


@dataclass(frozen=True)
class Cell:
    """The paper's value and ours, in the paper's unit, or None. `batch_independent` is ours in that variant of the metric."""

    paper: float | None = None
    ours: Sample | None = None
    batch_independent: Sample | None = None

    @property
    def difference(self) -> float | None:
        return None if self.paper is None or self.ours is None else self.ours.mean - self.paper


@dataclass(frozen=True)
class Row:
    """A row. Rows of one `group` are adjacent; `details` are more of our results for the JSON; `plotted` if in the plot."""

    key: str
    name: str
    cells: dict[str, Cell]
    group: str = ""
    details: dict = field(default_factory=dict)
    plotted: bool = True


@dataclass(frozen=True)
class Claim:
    """A claim of the paper: in `column`, row `better` has a higher value than row `worse`."""

    text: str
    better: str
    worse: str
    column: str


@dataclass(frozen=True)
class Table:
    """A filled table.

    `caveat` says why our values cannot be compared with the paper's; it is empty if they can. `plot` is "dots", "curve" over the rows, or "" for none.
    """

    number: str
    title: str
    columns: list[Column]
    rows: list[Row]
    claims: list[Claim] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    caveat: str = ""
    plot: str = ""

    @property
    def comparable(self) -> bool:
        return not self.caveat

    def check(self, claim: Claim) -> dict | None:
        """Check a claim against our values; None if they are missing."""
        better, worse = (self._cell(key, claim.column) for key in (claim.better, claim.worse))
        if better.ours is None or worse.ours is None:
            return None
        difference = paired_difference(better.ours, worse.ours)
        printed = None if None in (better.paper, worse.paper) else better.paper - worse.paper
        return {
            "claim": claim.text,
            "column": claim.column,
            "holds": verdict(difference),
            "paper": printed,
            "ours": difference.to_json(),
        }

    def checks(self) -> list[dict]:
        return [check for claim in self.claims if (check := self.check(claim)) is not None]

    def _cell(self, row: str, column: str) -> Cell:
        return next(candidate.cells.get(column, Cell()) for candidate in self.rows if candidate.key == row)


def score_columns(settings: list[str]) -> list[Column]:
    """Return the columns in the paper's order: mIoU of each setting, then F of each setting."""
    return [
        Column(f"{setting}_{metric}", f"{heading} {setting.upper()}", digits)
        for metric, (heading, digits) in METRICS.items()
        for setting in settings
    ]


def as_printed(metric: str, value: float) -> float:
    """Convert a value to the paper's unit: mIoU in percent, F-score as a fraction."""
    return 100 * value if metric == "miou" else value
