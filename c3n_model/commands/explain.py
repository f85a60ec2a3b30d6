"""`c3n explain`: explain the mask of each second with a figure and numbers."""

from __future__ import annotations

import json

from c3n_model.commands.recording import add_recording, load_chosen_model, open_recording


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser(
        "explain", help="show the audio and visual classes, their consensus, and CCAM's attention"
    )
    add_recording(command, out_help="folder for second_<n>.png and explain.json")
    command.add_argument("--second", type=int, metavar="N", help="only this second, counted from 0 (default: all)")
    command.set_defaults(run=run)


def run(options, _: str) -> str:
    """Write one figure per second to `options.out`; return one line per second."""
    from c3n_model.complete_file import complete_file
    from c3n_model.files.outputs import locked, refuse_overwriting
    from c3n_model.pictures.explanation import draw_explanation
    from c3n_model.progress import bar
    from c3n_model.streaming.explain import describe_explanation, explain_seconds
    from c3n_model.streaming.segment import describe_second
    from c3n_model.streaming.session import Session

    if options.second is not None and options.second < 0:
        raise ValueError(f"--second is {options.second}; expected 0 or more")
    source = open_recording(options)
    session = Session(load_chosen_model(options), options.device, keep_evidence=True)
    refuse_overwriting([options.input], [options.out])
    lines, seconds = [], []
    with locked(options.out):
        for number, explanation in explain_seconds(bar(source, source.name), session, only=options.second):
            picture = f"second_{number:04d}.png"
            draw_explanation(explanation, options.out / picture)
            seconds.append({"second": number, "picture": picture} | describe_explanation(explanation))
            lines.append(describe_second(explanation.segmentation))
        about = {"model": options.model, "input": str(options.input), "seconds": seconds}
        with complete_file(options.out / "explain.json") as partial:
            partial.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    return "\n".join([*source.notes, *lines, f"wrote {options.out}"])
