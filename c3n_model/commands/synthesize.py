"""`c3n synthesize`: write synthetic scenes in AVSBench's layout."""

from __future__ import annotations

from pathlib import Path

SPLITS = ("train", "val", "test")


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser("synthesize", help="write synthetic scenes in AVSBench's layout")
    command.add_argument("root", type=Path, help="output folder")
    command.add_argument("--setting", choices=["s4", "ms3"], help="default: both")
    command.add_argument("--train", type=int, default=1500, help="scenes in the train split (default %(default)s)")
    command.add_argument("--val", type=int, default=50, help="scenes in the val split (default %(default)s)")
    command.add_argument("--test", type=int, default=150, help="scenes in the test split (default %(default)s)")
    command.add_argument(
        "--seed", type=int, default=0, help="random seed; equal seeds give equal scenes (default %(default)s)"
    )
    command.set_defaults(run=run)


def run(options, _: str) -> str:
    """Write the scenes."""
    from c3n_model.progress import bar
    from c3n_model.synthetic.synthesize import synthesize

    counts = {split: getattr(options, split) for split in SPLITS}
    settings = [options.setting] if options.setting else ["s4", "ms3"]
    folders = [synthesize(options.root, setting, counts, options.seed, bar) for setting in settings]
    return "\n".join(f"wrote {folder}" for folder in folders)
