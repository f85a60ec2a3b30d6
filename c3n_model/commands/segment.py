"""`c3n segment`: masks, labels and an overlay video of any recording."""

from __future__ import annotations

from c3n_model.commands.recording import add_recording, open_recording


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser("segment", help="masks, labels and an overlay video of a bag, video or folder")
    add_recording(command, out_help="folder for masks, labels.jsonl, overlay.mp4")
    command.add_argument("--threshold", type=float, default=0.5, help="mask probability (default %(default)s)")
    command.set_defaults(run=run)


def run(options, _: str) -> str:
    """Results in `options.out`; returns a line a second."""
    from c3n_model.loading import load_model
    from c3n_model.progress import bar
    from c3n_model.sources.results import ResultWriter
    from c3n_model.streaming.segment import describe_second, segment
    from c3n_model.streaming.session import Session

    source = open_recording(options)
    session = Session(load_model(options.model), options.device, threshold=options.threshold)
    lines = []
    with ResultWriter(options.out) as results:
        for segmentation in segment(bar(source, source.name), session, show=results.show):
            results.write(segmentation)
            lines.append(describe_second(segmentation))
    note = session.model.card.get("note", "")
    about = f"model {options.model}: {note}" if note else f"model {options.model}"
    return "\n".join([*source.notes, *lines, about, f"wrote {options.out}"])
