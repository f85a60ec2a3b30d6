"""`c3n compare`: compare two evaluations on the same clips."""

from __future__ import annotations

from pathlib import Path


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser("compare", help="difference between two evaluations, with a confidence interval")
    for name in ("a", "b"):
        command.add_argument(name, type=Path, metavar=name.upper(), help="folder written by c3n evaluate -o")
    command.add_argument("--json", action="store_true", help="print JSON instead of a table")
    command.set_defaults(run=run)


def run(options, _: str) -> str:
    """Compare the two evaluations; return a table, or JSON."""
    from c3n_model.scoring.compare import compare, read_run, to_json, to_table

    first, second = read_run(options.a), read_run(options.b)
    render = to_json if options.json else to_table
    return render(first, second, compare(first, second))
