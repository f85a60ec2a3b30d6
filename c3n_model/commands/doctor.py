"""`c3n doctor`: is a folder of AVSBench complete and sound?"""

from __future__ import annotations

from pathlib import Path

from c3n_model.commands import Unsuccessful


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser("doctor", help="read every file of a folder of AVSBench and say what must be fixed")
    command.add_argument("data", type=Path, help="folder of AVSBench: its object release or its semantic release")
    command.add_argument("--json", action="store_true", help="the report as JSON")
    command.set_defaults(run=run)


def run(options, _: str) -> str:
    """Examine. Exit code 1 if something must be fixed; a difference from the paper's counts need not be."""
    from c3n_model.data.doctor import as_json, as_text, examine
    from c3n_model.progress import bar

    reports = examine(options.data, bar)
    text = as_json(reports) if options.json else as_text(reports)
    if not all(report.usable for report in reports):
        raise Unsuccessful(text)
    return text
