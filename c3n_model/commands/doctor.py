"""`c3n doctor`: check that an AVSBench folder is complete and readable."""

from __future__ import annotations

from pathlib import Path

from c3n_model.commands import Unsuccessful


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser("doctor", help="check every file of an AVSBench folder and report problems")
    command.add_argument("data", type=Path, help="AVSBench folder: the object release or the semantic release")
    command.add_argument("--json", action="store_true", help="print JSON instead of text")
    command.set_defaults(run=run)


def run(options, _: str) -> str:
    """Check the folder. Raises Unsuccessful if there are errors; warnings, such as other clip counts, do not raise."""
    from c3n_model.data.doctor import as_json, as_text, examine
    from c3n_model.progress import bar

    reports = examine(options.data, bar)
    text = as_json(reports) if options.json else as_text(reports)
    if not all(report.usable for report in reports):
        raise Unsuccessful(text)
    return text
