"""`c3n compare`: is one model better than another on the same clips?"""

from __future__ import annotations

from pathlib import Path


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser("compare", help="difference of two evaluations, with its interval")
    for name in ("a", "b"):
        command.add_argument(name, type=Path, metavar=name.upper(), help="folder that c3n evaluate -o wrote")
    command.add_argument("--json", action="store_true", help="print JSON instead of a table")
    command.set_defaults(run=run)


def run(options, _: str) -> str:
    """Compare."""
    from c3n_model.compare import compare, read_run, to_json, to_table

    first, second = read_run(options.a), read_run(options.b)
    shown = to_json if options.json else to_table
    return shown(first, second, compare(first, second))
