"""Write a filled table as table.json, and as table.md with a plot."""

from __future__ import annotations

import json
from pathlib import Path

from c3n_model.complete_file import write_complete
from c3n_model.experiments.paper.plots import plot_table
from c3n_model.experiments.paper.samples import Sample
from c3n_model.experiments.paper.table import Cell, Column, Row, Table

METRICS_NOTE = (
    "mIoU in percent and F as computed by AVSBench's own code, with batches of one clip; the batch-independent variants are "
    "in table.json."
)


def write_table(out: Path, table: Table, about: dict) -> None:
    """Write table.json, table.md and, for tables with a plot, table.png to `out`.

    `about` describes how it was made, in JSON-serialisable values. Raises ValueError for a number that is not finite.
    """
    out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(to_json(table, about), indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    write_complete(out / "table.json", text)
    if table.plot:
        plot_table(table, out / "table.png")
    write_complete(out / "table.md", to_markdown(table, about))


def to_json(table: Table, about: dict) -> dict:
    """Convert the table to JSON-serialisable values, in the units of the paper."""
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
    """Format the table as a Markdown page."""
    parts = [f"# Table {table.number}: {table.title}"]
    if not table.comparable:
        parts.append(f"> {table.caveat}")
    parts.append(_markdown_table(*_cells_as_text(table)))
    parts += _notes(table)
    if table.plot:
        parts.append(f"![Table {table.number}](table.png)")
    if checks := table.checks():
        headings = {column.key: column for column in table.columns}
        lines = [_check_as_text(check, headings[check["column"]]) for check in checks]
        parts += ["## Claims of the paper", "\n".join(lines)]
    parts += ["## How it was made", about_as_text(about)]
    return "\n\n".join(parts) + "\n"


def _notes(table: Table) -> list[str]:
    return table.notes if table.number == "IV" else [METRICS_NOTE, *table.notes]


def _cells_as_text(table: Table) -> tuple[list[str], list[list[str]]]:
    """Return the header and the lines of text; each group starts with a line with its name."""
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
    """Format a sample as "81.20 [80.95, 81.45]", without the interval for a single seed."""
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
    """Summarise `about` as a Markdown list."""
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
        return "none; nothing is trained"
    if count == 1:
        return "1, so there are no intervals"
    return f"{count}; means with Student's 95 % intervals over seeds in brackets; claims are checked by paired seeds"


def _markdown_table(header: list[str], lines: list[list[str]]) -> str:
    rows = [header, ["---"] * len(header), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
