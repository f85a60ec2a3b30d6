"""`c3n outline`: outline pictures whose class is known, as material for `c3n compose`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from c3n_model.commands.recording import add_model


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser("outline", help="outline pictures whose class is known, for c3n compose --images")
    command.add_argument(
        "pictures", type=Path, help="folder with a folder for each class, or with files of ImageNet's names"
    )
    command.add_argument("-o", "--out", type=Path, required=True, help="folder to write")
    add_model(command, default="zero_shot")
    command.set_defaults(run=run)


def run(options, _: str) -> str:
    """Outline every picture of a known class; say how many were left out, and why."""
    from c3n_model.commands.recording import load_chosen_model
    from c3n_model.compose.known_pictures import list_known
    from c3n_model.compose.outline_writer import OutlineWriter
    from c3n_model.compose.outlines import outline
    from c3n_model.files.outputs import locked, refuse_overwriting
    from c3n_model.progress import bar
    from c3n_model.sources.picture_files import read_picture
    from c3n_model.zero_shot.zero_shot import ZeroShot

    refuse_overwriting([options.pictures], [options.out])
    network = load_chosen_model(options).network.eval()
    if not isinstance(network, ZeroShot):
        raise ValueError(
            f"{options.model} does not outline things by their name; expected zero_shot, or a YAML file of it"
        )
    writer, left_out, written = OutlineWriter(options.out), Counter[str](), Counter[str]()
    with locked(options.out):
        for path, noun in bar(list(list_known(options.pictures)), "outlines"):
            if noun is None:
                left_out["nothing is known of its sound"] += 1
                continue
            try:
                outlined = outline(network, read_picture(path), noun)
            except ValueError as error:
                left_out[str(error)] += 1
                continue
            if outlined.refused:
                left_out[outlined.refused] += 1
                continue
            writer.write("_".join(path.relative_to(options.pictures).with_suffix("").parts), noun, outlined)
            written[noun] += 1
        writer.finish()
    kinds = ", ".join(f"{noun} {count}" for noun, count in written.most_common())
    reasons = [f"{count} left out: {reason}" for reason, count in left_out.most_common()]
    return "\n".join([*reasons, f"wrote {options.out}: {writer.written} pictures ({kinds}); look at {writer.sheet}"])
