"""`c3n direction-bench`: measure how often a microphone array chooses the right one of two objects, in simulated rooms."""

from __future__ import annotations

from pathlib import Path


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser(
        "direction-bench",
        help="measure how often a microphone array chooses the right one of two objects, in simulated rooms",
    )
    command.add_argument(
        "--microphone-array",
        action="append",
        metavar="FILE",
        help="YAML file of an array, or the name of a preset; may be given several times (default: all presets)",
    )
    command.add_argument("--scenes", type=int, default=100, help="rooms for each row (default %(default)s)")
    command.add_argument(
        "--apart",
        type=float,
        nargs="+",
        default=[10.0, 20.0, 40.0],
        help="degrees between the objects (default %(default)s)",
    )
    command.add_argument(
        "--reverberation",
        type=float,
        default=0.3,
        metavar="SECONDS",
        help="RT60 of the rooms, 0 for none (default %(default)s)",
    )
    command.add_argument(
        "--snr", type=float, default=10.0, metavar="DB", help="signal to noise ratio (default %(default)s)"
    )
    command.add_argument(
        "--sounds", type=Path, metavar="FOLDER", help="folder of wav files to use; default: synthetic syllables"
    )
    command.add_argument("--seed", type=int, default=0, help="of the rooms (default %(default)s)")
    command.set_defaults(run=run)


def run(options, _: str) -> str:
    """Return the table as markdown. Raises ValueError for a number out of range, or a folder without sound."""
    from c3n_model.direction.microphone_array import load_array, preset_names
    from c3n_model.experiments.direction.bench import BEHIND, Conditions, measure
    from c3n_model.experiments.direction.sounds import loudest_seconds

    if options.scenes < 1 or options.reverberation < 0 or not all(0 < apart < 56 for apart in options.apart):
        raise ValueError(
            "expected scenes of at least 1, a reverberation of at least 0 s and objects less than 56 degrees apart, got "
            f"{options.scenes}, {options.reverberation} and {options.apart}"
        )
    sounds = loudest_seconds(options.sounds) if options.sounds else []
    lines = ["| array | sound | right | undecided | wrong |", "|---|---|---|---|---|"]
    for name in options.microphone_array or preset_names():
        array = load_array(name)
        for apart in (*options.apart, BEHIND):
            conditions = Conditions(apart, options.reverberation, options.snr)
            counts = measure(array, conditions, options.scenes, sounds, options.seed)
            where = apart if apart == BEHIND else f"of one of two {apart:g}° apart"
            shares = " | ".join(
                f"{counts[outcome] / options.scenes:.2f}" for outcome in ("right", "undecided", "wrong")
            )
            lines.append(f"| {Path(name).stem} | {where} | {shares} |")
    kind = f"{len(sounds)} sounds of {options.sounds}" if sounds else "synthetic syllables"
    about = (
        f"{options.scenes} rooms each, {kind}, RT60 {options.reverberation:g} s, {options.snr:g} dB of signal to noise"
    )
    return "\n".join([*lines, about])
