"""A filled table as files: table.json for programs, table.md and a plot for people."""

from __future__ import annotations

import json
from pathlib import Path

from c3n_model.complete_file import write_complete
from c3n_model.experiments.paper.plots import plot_table
from c3n_model.experiments.paper.samples import Sample
from c3n_model.experiments.paper.table import Cell, Column, Row, Table

MADE_UP_WORLD = (
    "**A made-up world, in small.** Ours are measured on synthetic scenes, with small encoders trained from scratch; the paper's "
    "figures are of AVSBench with encoders pretrained on ImageNet and AudioSet. They stand here for their order only and **are "
    "not comparable with ours**."
)
METRICS_NOTE = (
    "mIoU in percent and F as AVSBench's own code computes them, with batches of one clip; the forms that depend on no batch "
    "are in table.json."
)


def write_table(out: Path, table: Table, about: dict) -> None:
    """table.json, table.md and, for a table with a plot, table.png into `out`. `about` is what made it, as JSON can hold it.
    Raises ValueError for a number that is not finite."""
    out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(to_json(table, about), indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    write_complete(out / "table.json", text)
    if table.plot:
        plot_table(table, out / "table.png")
    write_complete(out / "table.md", to_markdown(table, about))


def to_json(table: Table, about: dict) -> dict:
    """All figures, in the units of the paper."""
    return {
        "table": table.number,
        "title": table.title,
        "comparable_with_the_paper": table.comparable,
        "units": {"miou": "percent", "fscore": "fraction"} if table.number != "IV" else {},
        "rows": [_row_to_json(row, table.comparable) for row in table.rows],
        "claims": table.checks(),
        "notes": _notes(table),
        "made_by": about,
    }


def _row_to_json(row: Row, comparable: bool) -> dict:
    cells = {}
    for key, cell in row.cells.items():
        cells[key] = {"paper": cell.paper, "ours": cell.ours and cell.ours.to_json()}
        if cell.batch_independent is not None:
            cells[key]["ours_batch_independent"] = cell.batch_independent.to_json()
        if comparable:
            cells[key]["difference"] = cell.difference
    return {
        "row": row.key,
        "name": row.name,
        "group": row.group,
        "cells": cells,
        **({"details": row.details} if row.details else {}),
    }


def to_markdown(table: Table, about: dict) -> str:
    """The table as a page."""
    parts = [f"# Table {table.number}: {table.title}"]
    if not table.comparable:
        parts.append(f"> {MADE_UP_WORLD}")
    parts.append(_markdown_table(*_cells_as_text(table)))
    parts += _notes(table)
    if table.plot:
        parts.append(f"![Table {table.number}](table.png)")
    if checks := table.checks():
        headings = {column.key: column for column in table.columns}
        lines = [_check_as_text(check, headings[check["column"]]) for check in checks]
        parts += ["## The order of the paper", "\n".join(lines)]
    parts += ["## What made it", about_as_text(about)]
    return "\n\n".join(parts) + "\n"


def _notes(table: Table) -> list[str]:
    return table.notes if table.number == "IV" else [METRICS_NOTE, *table.notes]


def _cells_as_text(table: Table) -> tuple[list[str], list[list[str]]]:
    """Header and lines; a row of its own names each group."""
    sides = ["paper", "ours", "difference"] if table.comparable else ["paper", "ours"]
    header = ["", *(f"{column.heading}: {side}" for column in table.columns for side in sides)]
    lines, group = [], ""
    for row in table.rows:
        if row.group != group:
            group = row.group
            lines.append([f"**{group}**", *[""] * (len(header) - 1)])
        texts = [
            text
            for column in table.columns
            for text in _cell_as_text(row.cells.get(column.key, Cell()), column)[: len(sides)]
        ]
        lines.append([row.name, *texts])
    return header, lines


def _cell_as_text(cell: Cell, column: Column) -> tuple[str, str, str]:
    paper = "" if cell.paper is None else f"{cell.paper:.{column.digits}f}"
    ours = "" if cell.ours is None else sample_as_text(cell.ours, column.digits)
    difference = "" if cell.difference is None else f"{round(cell.difference, column.digits) + 0.0:+.{column.digits}f}"
    return paper, ours, difference


def sample_as_text(sample: Sample, digits: int, sign: str = "") -> str:
    """ "81.20 [80.95, 81.45]"; of one seed without the interval."""
    mean = f"{sample.mean:{sign}.{digits}f}"
    if sample.interval is None:
        return mean
    low, high = (f"{end:{sign}.{digits}f}" for end in sample.interval)
    return f"{mean} [{low}, {high}]"


def _check_as_text(check: dict, column: Column) -> str:
    ours = sample_as_text(Sample(check["ours"]["by_seed"]), column.digits, "+")
    printed = "" if check["paper"] is None else f"; paper {check['paper']:+.{column.digits}f}"
    return f"- {column.heading}: {check['claim']}: **{check['holds']}**, {ours}{printed}"


def about_as_text(about: dict) -> str:
    """A list of what JSON holds in full."""
    environment = about["environment"]
    lines = {
        "command": f"`{about['command']}`",
        "data": json.dumps(about["data"]),
        "seeds": _seeds_as_text(about["seeds"]),
        "work": f"trainings: {about['trainings']}, scorings: {about['scorings']}, {about['seconds'] / 60:.1f} min of work",
        "machine": f"{about['device']}, {environment['platform']}, Python {environment['python']}, "
        + ", ".join(f"{name} {version}" for name, version in environment["packages"].items()),
        "date": environment["date"],
    }
    return "\n".join(f"- {name}: {text}" for name, text in lines.items())


def _seeds_as_text(count: int) -> str:
    if count == 0:
        return "none, nothing is trained"
    if count == 1:
        return "1, so there is no interval"
    return f"{count}; mean and, in brackets, Student's 95 % interval over seeds; claims are checked seed by seed"


def _markdown_table(header: list[str], lines: list[list[str]]) -> str:
    rows = [header, ["---"] * len(header), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
