"""`c3n evaluate-bag`: score a model on a bag, against ground-truth masks and against a recording of the live node."""

from __future__ import annotations

from pathlib import Path

from c3n_model.commands.recording import add_recording, load_chosen_model, open_recording


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser(
        "evaluate-bag", help="score a model on a bag, and compare it with a recording of the live node"
    )
    add_recording(command, out_help="folder for report.json and report.html")
    command.add_argument(
        "--truth",
        type=Path,
        help="folder of ground-truth masks named <stamp of the frame or window in ns>.png, optionally with labels.json",
    )
    command.add_argument(
        "--recording", type=Path, help="bag with the topics that the live node published while the input was played"
    )
    command.add_argument(
        "--threshold",
        type=float,
        default=0.5,
        help="probability above which a pixel is in the mask (default %(default)s)",
    )
    command.set_defaults(run=run)


def run(options, command_line: str) -> str:
    """Write the report to `options.out`; return its numbers as text."""
    from c3n_model.progress import bar
    from c3n_model.scoring.bag_scores import TruthFolder
    from c3n_model.scoring.evaluate_bag import read_live, report_on, run_offline
    from c3n_model.scoring.report.bag_page import write_bag_report
    from c3n_model.streaming.session import Session

    if options.truth is None and options.recording is None:
        raise ValueError("nothing to compare with: give --truth DIR, --recording BAG or both")
    truths = None if options.truth is None else TruthFolder(options.truth)
    live = read_live(options.recording)
    source = open_recording(options)
    session = Session(load_chosen_model(options), options.device, threshold=options.threshold)
    windows = run_offline(source, session, truths, bar)
    about = {
        "command": command_line,
        "input": source.name,
        "model": options.model,
        "note": session.model.card.get("note", ""),
        "device": str(session.device),
        "threshold": options.threshold,
        "notes": list(source.notes),
    }
    return write_bag_report(options.out, {**about, **report_on(windows, live, truths)}, windows)
