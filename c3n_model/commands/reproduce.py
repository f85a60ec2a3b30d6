"""`c3n reproduce`: reproduce the tables and figures of the paper."""

from __future__ import annotations

from pathlib import Path

ALL_TABLES = ("I", "II", "III", "IV", "V", "VI", "VII")


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser("reproduce", help="reproduce a table of the paper, its figures, or everything")
    command.add_argument("table", choices=[*ALL_TABLES, "figures", "all"], help="what to reproduce")
    command.add_argument(
        "--data", required=True, help="AVSBench folder (either release), or synthetic to generate scenes"
    )
    command.add_argument(
        "--size", choices=["small", "full"], help="of --data synthetic: takes seconds or hours (default full)"
    )
    command.add_argument(
        "--labels",
        help="label table written by c3n labels build, for AVSBench, or sources (the table of sound sources, as of zero_shot); "
        "encoders: see c3n weights",
    )
    command.add_argument(
        "--config",
        type=Path,
        help="network, encoders and schedule of a file for c3n train, such as config/real_small.yaml, instead of the paper's",
    )
    command.add_argument(
        "--visual-head", type=Path, metavar="FILE", help="with --labels: visual classes of c3n train-visual-head"
    )
    command.add_argument(
        "--form",
        choices=["authors", "paper"],
        help="of C3N and its baselines on AVSBench: as in the authors' code, which gave the printed values (default), or the "
        "printed equations",
    )
    command.add_argument(
        "--seeds",
        type=int,
        help="number of trainings per row (default: 1; with --data synthetic --size full 5 for II, V, VI and VII)",
    )
    command.add_argument("--settings", default="s4,ms3", help="s4, ms3 or both (default %(default)s)")
    command.add_argument(
        "--pairs", help="encoder pairs for Tables I and II, such as Swin+PANNs,PVTv2+PANNs (default: all)"
    )
    command.add_argument(
        "--runs", type=Path, help="folder of trained models, shared by all tables and reused (default OUT/runs)"
    )
    command.add_argument("--device", default="auto", help="auto, cpu or cuda (default %(default)s)")
    command.add_argument("-o", "--out", type=Path, required=True, help="folder for table.json and table.md")
    command.set_defaults(run=run)


def run(options, command_line: str) -> str:
    """Train and score missing models, then write the tables and figures."""
    from c3n_model.experiments.paper.reproduce import Request, reproduce
    from c3n_model.progress import bar

    numbers = {"all": (*ALL_TABLES, "figures")}.get(options.table, (options.table,))
    request = Request(
        data=options.data,
        size=options.size,
        labels=options.labels,
        form=options.form,
        config=options.config,
        visual_head=options.visual_head,
        seeds=options.seeds,
        settings=_split(options.settings),
        pairs=_split(options.pairs),
        runs=options.runs or options.out / "runs",
        device=options.device,
        command=command_line,
    )
    folders = {number: options.out / number if options.table == "all" else options.out for number in numbers}
    return "\n".join(f"wrote {path}" for path in reproduce(request, folders, bar))


def _split(text: str | None) -> list[str] | None:
    return None if text is None else [part.strip() for part in text.split(",")]
