"""`c3n motion-bench`: measure how often the object that moves in time with the sound is chosen, in made scenes and real clips."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser(
        "motion-bench", help="measure how often the object that moves in time with the sound is chosen"
    )
    command.add_argument("--scenes", type=int, default=100, help="scenes for each row (default %(default)s)")
    command.add_argument(
        "--sounds", type=Path, metavar="FOLDER", help="folder of sound files to use; default: synthetic rhythms"
    )
    command.add_argument(
        "--cutouts",
        type=Path,
        metavar="FOLDER",
        help="folder of cut-outs NAME.png with their sounds NAME.ogg or .wav, used instead of drawn discs and synthetic rhythms",
    )
    command.add_argument(
        "--clips",
        type=Path,
        metavar="FOLDER",
        help="folder of videos: two of them beside each other with the sound of one, instead of scenes",
    )
    command.add_argument(
        "--seed", type=int, default=1, help="of the scenes; the constants were fitted with 0 (default %(default)s)"
    )
    command.set_defaults(run=run)


def run(options, _: str) -> str:
    """Return the table as markdown. Raises ValueError for a number out of range, or a folder without what is needed."""
    import numpy as np

    from c3n_model.experiments.motion.bench import CONDITIONS, measure
    from c3n_model.experiments.motion.clips import measure_clips, read_clips

    if options.scenes < 1:
        raise ValueError(f"expected scenes of at least 1, got {options.scenes}")
    if sum(folder is not None for folder in (options.sounds, options.cutouts, options.clips)) > 1:
        raise ValueError("expected at most one of --sounds, --cutouts and --clips")
    lines = [
        "| scene | scenes | right | undecided | wrong | right of those decided (95 %) |",
        "|---|---|---|---|---|---|",
    ]
    if options.clips:
        clips = read_clips(options.clips)
        counts = measure_clips(clips, np.random.default_rng(options.seed))
        return "\n".join([*lines, _row("one of two clips", counts), f"{len(clips)} parts of 5 s of {options.clips}"])
    material, kind = _material(options)
    lines += [_row(each.name, measure(each, options.scenes, material, options.seed)) for each in CONDITIONS]
    return "\n".join([*lines, f"{kind}, 6 s each, seed {options.seed}"])


def _row(name: str, counts: Any) -> str:
    from c3n_model.experiments.motion.bench import interval

    total = sum(counts.values())
    shares = " | ".join(f"{counts[outcome] / total:.2f}" for outcome in ("right", "undecided", "wrong"))
    return f"| {name} | {total} | {shares} | {interval(counts['right'], counts['right'] + counts['wrong'])} |"


def _material(options) -> tuple[Any, str]:
    """Return what the scenes are made of, and its description."""
    from c3n_model.experiments.motion.bench import Material
    from c3n_model.experiments.motion.sounds import read_cutouts, read_sounds

    if options.cutouts:
        material = Material(*read_cutouts(options.cutouts))
        return material, f"{len(material.sounds)} cut-outs and sounds of {options.cutouts}"
    if options.sounds:
        material = Material(sounds=read_sounds(options.sounds))
        return material, f"drawn discs, {len(material.sounds)} sounds of {options.sounds}"
    return Material(), "drawn discs, synthetic rhythms"
