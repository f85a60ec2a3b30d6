"""`c3n pseudo-label`: clips in AVSBench's layout from one's own recordings, labelled by a model where it is sure."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path

from c3n_model.commands.recording import add_layout, add_model, add_topics


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser(
        "pseudo-label", help="write the sure seconds of recordings as clips like AVSBench's, for training on them"
    )
    command.add_argument(
        "recordings", type=Path, nargs="+", help="bags, videos, folders of images with a .wav, and folders of these"
    )
    command.add_argument(
        "-o", "--out", type=Path, required=True, help="folder of the data set: a new one, or of an earlier run"
    )
    add_model(command, default="zero_shot")
    command.add_argument(
        "--margin",
        type=float,
        default=0.25,
        help="confidence of what is kept: this fraction of the way from the model's presence threshold to 1 (default %(default)s)",
    )
    add_layout(command)
    add_topics(command)
    command.set_defaults(run=run)


def run(options, _: str) -> str:
    """Write the clips; say what was dropped and why. The same command continues an interrupted run."""
    from c3n_model.commands import Unsuccessful
    from c3n_model.commands.recording import load_chosen_model
    from c3n_model.files.outputs import locked, refuse_overwriting
    from c3n_model.review.proposals import Summary, settings_of
    from c3n_model.review.pseudo_labels import least_confidence
    from c3n_model.review.recordings import list_recordings
    from c3n_model.streaming.session import Session

    refuse_overwriting(options.recordings, [options.out])
    paths = list_recordings(options.recordings, but_not=options.out)
    model = load_chosen_model(options)
    least = least_confidence(model.config.presence_threshold, options.margin)
    with locked(options.out):
        summary = Summary(options.out, settings_of(model, options.margin, options.setting))
        todo = [path for path in paths if not summary.is_complete(path)]
        lines = [f"{len(paths) - len(todo)} recordings were complete before"] * (len(todo) < len(paths))
        session = Session(model, options.device)
        lines += [_add(options, session, path, summary, least) for path in todo]
    lines += _totals(summary, least)
    if not any(proposed.clips for proposed in summary.recordings.values()):
        raise Unsuccessful("\n".join([*lines, "no clip was written; a lower --margin keeps more"]))
    return "\n".join([*lines, f"wrote {options.out}; to look at them and correct them:", _review(options, summary)])


def _add(options, session, path: Path, summary, least: float) -> str:
    """Add a recording to the data set; return what became of it, in a line."""
    from c3n_model.progress import bar
    from c3n_model.review.proposals import propose
    from c3n_model.sources import open_source

    try:
        source = open_source(path, options.image_topic, options.audio_topic)
        name = summary.name_of(source, path)
        proposed = propose(
            session, source, path, options.out, name, least, bar, setting=options.setting, split=options.split
        )
    except (ValueError, OSError) as error:
        return f"{path}: left out: {error}"
    summary.add(name, proposed)
    return "\n".join([f"{name}: {proposed}", *source.notes])


def _totals(summary, least: float) -> list[str]:
    """Count the seconds of all recordings by what became of them."""
    recordings = summary.recordings.values()
    dropped = Counter({})
    for proposed in recordings:
        dropped.update({reason: len(numbers) for reason, numbers in proposed.dropped.items()})
    seconds = sum(proposed.seconds for proposed in recordings)
    clips = sum(len(proposed.clips) for proposed in recordings)
    counts = [f"  {count} {reason}" for reason, count in dropped.most_common()]
    title = f"{len(recordings)} recordings, {seconds} seconds, {clips} clips; confidence at least {least:.2f}; dropped:"
    return [title, *counts]


def _review(options, summary) -> str:
    """Return the command that shows the seconds of the first recording with a clip."""
    name, first = next((name, one) for name, one in summary.recordings.items() if one.clips)
    splits = {split for _, split in first.clips}
    split = ["--split", splits.pop()] if len(splits) == 1 else []
    setting = ["--setting", options.setting] if options.setting != "ms3" else []
    words = ["c3n", "review", first.path, "--masks", str(options.out / "proposals" / name), "--name", name]
    return "  " + shlex.join([*words, "-o", str(options.out), *setting, *split])
