"""`c3n zero-shot-bench`: benchmark the zero-shot model on real images with ground-truth masks and real sounds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser("zero-shot-bench", help="benchmark the zero-shot model on real images and sounds")
    command.add_argument("data", type=Path, help="folder with coco/ and esc10/, cutouts/, pairs/, clips/, silent/ ...")
    command.add_argument("-o", "--out", type=Path, required=True, help="folder for bench.html, bench.json and images")
    command.add_argument(
        "--config",
        nargs="+",
        default=["zero_shot"],
        metavar="MODEL",
        help="YAML files with a zero_shot section, checkpoints, or zero_shot, each compared with the first (default: zero_shot)",
    )
    command.add_argument("--rows", nargs="+", metavar="ROW", help="measure only these rows (default: all; see docs)")
    command.add_argument(
        "--tuning", action="store_true", help="measure on the half of the data reserved for tuning instead of the other"
    )
    command.add_argument(
        "--max-sources",
        type=int,
        default=1,
        metavar="N",
        help="sounding objects that are named at once (default %(default)s)",
    )
    command.add_argument("--device", default="auto", help="auto, cpu or cuda (default %(default)s)")
    command.set_defaults(run=run)


def run(options, command_line: str) -> str:
    """Measure every configuration on all available data; return the table."""
    from c3n_model.experiments.zero_shot.bench import compare, measure
    from c3n_model.experiments.zero_shot.data import read_data
    from c3n_model.experiments.zero_shot.report import BENCH_PAGE, summary, write_bench
    from c3n_model.experiments.zero_shot.tasks import compose_tasks
    from c3n_model.loading import load_model
    from c3n_model.model import choose_device
    from c3n_model.progress import bar
    from c3n_model.streaming.several_sources import allow_sources

    device = str(choose_device(options.device))
    sources = _named(options.config)
    data = read_data(options.data, options.tuning)
    tasks = compose_tasks(data, options.rows)
    split = "tuning" if options.tuning else "reported"
    measured = []
    for name, source in sources.items():
        model = load_model(source)
        model = replace(model, network=allow_sources(model.network, options.max_sources, exported=False))
        measured.append(measure(name, source, model, tasks, split, device, bar))
    compare(measured, tasks)
    about = {
        "command": command_line,
        "split": split,
        "device": device,
        "pictures": len(data.pictures),
        "sounds": len(data.sounds),
        "cutouts": len(data.cutouts),
        "left_out": data.left_out,
    }
    write_bench(options.out, about, measured)
    return summary({part.name: part.figures for part in measured}) + f"\nwrote {options.out / BENCH_PAGE}"


def _named(sources: list[str]) -> dict[str, str]:
    """Map file stems (or `zero_shot`) to sources. Raises ValueError for duplicate stems."""
    named = {Path(source).stem: source for source in sources}
    if len(named) < len(sources):
        raise ValueError(f"--config has files of the same name: {', '.join(sources)}; rename one of them")
    return named
