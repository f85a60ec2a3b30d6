"""Plot a table as dots with intervals, or as curves over its rows; one panel per column."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from c3n_model.complete_file import complete_file
from c3n_model.experiments.paper.table import Column, Row, Table

OURS_COLOUR, PAPER_COLOUR = "#3b76af", "#b9b9b9"
_DOTS_PER_INCH = 110


def plot_table(table: Table, path: Path) -> None:
    """Write `table` as a PNG. Raises OSError if the file cannot be written."""
    draw = {"dots": _draw_dots, "curve": _draw_curve}[table.plot]
    rows = [row for row in table.rows if row.plotted and any(cell.ours for cell in row.cells.values())]
    height = 1.2 + 0.32 * len(rows) if table.plot == "dots" else 3.2
    with matplotlib.rc_context({"text.parse_math": False, "font.size": 8, "axes.titlesize": 9}):
        figure = Figure((3.1 * len(table.columns) + 1.2, height), _DOTS_PER_INCH, layout="constrained")
        panels = figure.subplots(1, len(table.columns), squeeze=False, sharey=table.plot == "dots")[0]
        for axes, column in zip(panels, table.columns, strict=True):
            axes.set_title(column.heading)
            draw(axes, column, rows, "paper" if table.comparable else "paper, on AVSBench")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=2, frameon=False)
        with complete_file(path) as partial:
            figure.savefig(partial, format="png", facecolor="white")


def _draw_dots(axes: Axes, column: Column, rows: list[Row], paper: str) -> None:
    """Draw our means with intervals, and the paper's values. Dots, not bars, because the axis does not start at 0."""
    places, (means, errors), printed = np.arange(len(rows)), _ours(column, rows), _printed(column, rows)
    axes.errorbar(means, places, xerr=errors, fmt="o", color=OURS_COLOUR, capsize=3, label="ours")
    axes.plot(printed, places, "D", color=PAPER_COLOUR, markeredgecolor="black", markersize=4, label=paper)
    axes.grid(axis="y", color="#e5e5e5")
    axes.set_yticks(places, [row.name if not _repeated(row, rows) else f"{row.group}: {row.name}" for row in rows])
    axes.margins(x=0.08, y=0.5 / len(rows))
    if not axes.yaxis_inverted():  # panels share it
        axes.invert_yaxis()


def _draw_curve(axes: Axes, column: Column, rows: list[Row], paper: str) -> None:
    """Draw our values and the paper's over the rows, from clean to noisy."""
    places, (means, errors), printed = np.arange(len(rows)), _ours(column, rows), _printed(column, rows)
    axes.errorbar(places, means, yerr=errors, fmt="o-", color=OURS_COLOUR, capsize=3, label="ours")
    axes.plot(places, printed, "D--", color=PAPER_COLOUR, markersize=4, label=paper)
    axes.set_xticks(places, [row.name for row in rows], rotation=45)
    axes.grid(axis="y", color="#e5e5e5")
    axes.set_xlabel("signal-to-noise ratio")


def _ours(column: Column, rows: list[Row]) -> tuple[np.ndarray, np.ndarray]:
    """Return means and half widths of their intervals; missing means are NaN, which is not drawn."""
    samples = [row.cells[column.key].ours if column.key in row.cells else None for row in rows]
    means = np.array([np.nan if sample is None else sample.mean for sample in samples])
    halves = [
        0 if sample is None or sample.interval is None else sample.interval[1] - sample.mean for sample in samples
    ]
    return means, np.array(halves)


def _printed(column: Column, rows: list[Row]) -> np.ndarray:
    figures = [row.cells[column.key].paper if column.key in row.cells else None for row in rows]
    return np.array([np.nan if figure is None else figure for figure in figures])


def _repeated(row: Row, rows: list[Row]) -> bool:
    return sum(other.name == row.name for other in rows) > 1
