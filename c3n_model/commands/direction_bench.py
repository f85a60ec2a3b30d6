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
    command.add_argument("--scenes", type=int, default=100, help="rooms for each array (default %(default)s)")
    command.add_argument(
        "--apart",
        type=float,
        nargs="+",
        default=[10.0, 15.0, 20.0, 30.0, 45.0],
        help="degrees between the objects (default %(default)s)",
    )
    for option, default, unit, about in (
        ("--reverberation", [0.1, 0.8], "SECONDS", "RT60 of the rooms, 0 for none"),
        ("--snr", [0.0, 30.0], "DB", "signal to noise ratio"),
        ("--distance", [1.0, 4.0], "METRES", "to the objects"),
    ):
        command.add_argument(
            option,
            type=float,
            nargs="+",
            default=default,
            metavar=unit,
            help=f"{about}: one value, or the ends of a range (default %(default)s)",
        )
    command.add_argument(
        "--sounds", type=Path, metavar="FOLDER", help="folder of wav files to use; default: synthetic syllables"
    )
    command.add_argument(
        "--seconds", type=int, default=1, help="of the sound that are heard before the decision (default %(default)s)"
    )
    command.add_argument("--seed", type=int, default=0, help="of the rooms (default %(default)s)")
    command.set_defaults(run=run)


def run(options, _: str) -> str:
    """Return the tables as markdown. Raises ValueError for a number out of range, or a folder without sound."""
    from c3n_model.direction.microphone_array import load_array, preset_names
    from c3n_model.experiments.direction.bench import Conditions, measure
    from c3n_model.experiments.direction.sounds import loudest_seconds
    from c3n_model.experiments.direction.table import table

    if options.scenes < 1 or not all(0 < apart < 56 for apart in options.apart):
        raise ValueError(
            "expected scenes of at least 1 and objects less than 56 degrees apart, got "
            f"{options.scenes} and {options.apart}"
        )
    if not 1 <= options.seconds <= 10:
        raise ValueError(f"expected --seconds within [1, 10], got {options.seconds}")
    conditions = Conditions(
        _range("--reverberation", options.reverberation, 0, 2),
        _range("--snr", options.snr, -60, 120),
        _range("--distance", options.distance, 0.2, 5),
        options.seconds,
    )
    sounds = loudest_seconds(options.sounds) if options.sounds else []
    lines = []
    for name in options.microphone_array or preset_names():
        array = load_array(name)
        scenes, outside = (
            measure(array, conditions, options.apart, options.scenes, sounds, options.seed, beyond)
            for beyond in (False, True)
        )
        lines += table(Path(name).stem, scenes, outside, conditions)
    kind = f"{len(sounds)} sounds of {options.sounds}" if sounds else "synthetic syllables"
    cells = "Cells: right / undecided / wrong (right of the decided)."
    heard = f"{options.seconds} s of {kind}" if options.seconds > 1 else kind
    return "\n".join([*lines, f"{options.scenes} rooms each, {heard}. {cells}"])


def _range(option: str, values: list[float], least: float, most: float) -> tuple[float, float]:
    if len(values) > 2 or not least <= values[0] <= values[-1] <= most:
        raise ValueError(f"expected {option} as one value or the ends of a range in [{least}, {most}], got {values}")
    return values[0], values[-1]
