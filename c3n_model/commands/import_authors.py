"""`c3n import`: a checkpoint of the authors' code (ZhaofengSHI/AVS-C3N) as a model file of ours."""

from __future__ import annotations

from pathlib import Path

NOTE = "Imported from a checkpoint of the authors' code. Its labels' similarities are not the authors', which are not public."


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser("import", help="turn a checkpoint of the authors' code into a model")
    command.add_argument("checkpoint", type=Path, help=".pth that their train.py saved")
    command.add_argument("--labels", type=Path, required=True, help="label table: what C3IM compares")
    command.add_argument(
        "--audio-weights",
        type=Path,
        required=True,
        help="the audio encoder, which their checkpoints lack: a c3n model that holds it, or its state dict",
    )
    command.add_argument("-o", "--out", type=Path, required=True, help="safetensors file to write")
    command.set_defaults(run=run)


def run(options, command_line: str) -> str:
    """Put checkpoint, labels and audio encoder together."""
    from c3n_model.authors_checkpoint import from_authors
    from c3n_model.checkpoint import build_network, save_model
    from c3n_model.labels.table import LabelTable
    from c3n_model.model import Model
    from c3n_model.network.visual_checkpoints import read_tensors

    config, tensors = from_authors(read_tensors(options.checkpoint))
    labels = LabelTable.load(options.labels)
    prefix = "audio_encoder."
    given = read_tensors(options.audio_weights)
    within = {name: tensor for name, tensor in given.items() if name.startswith(prefix)}
    tensors |= within or {prefix + name: tensor for name, tensor in given.items()}
    network = build_network(config, labels.similarity)
    try:
        network.load_state_dict({**tensors, "similarity": labels.similarity})
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:300]
        raise ValueError(
            f"{options.checkpoint}, {options.labels} and {options.audio_weights} make no {config.audio} model of "
            f"{len(labels.audio_labels)} audio and {len(labels.visual_labels)} visual labels: {reason}"
        ) from error
    card = {"note": NOTE, "commands": [command_line], "labels": labels.provenance}
    audio_labels, visual_labels = tuple(labels.audio_labels), tuple(labels.visual_labels)
    save_model(options.out, Model(options.out.stem, network.eval(), config, audio_labels, visual_labels, card))
    return f"wrote {options.out}: {config.visual} with {config.audio}"
