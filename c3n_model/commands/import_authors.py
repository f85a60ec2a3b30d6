"""`c3n import`: a checkpoint of the authors' code (ZhaofengSHI/AVS-C3N) as a model file of ours."""

from __future__ import annotations

from pathlib import Path

AUDIO = "audio_encoder."
NOTE = "Imported from a checkpoint of the authors' code. Its labels' similarities are not the authors', which are not public."


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser("import", help="turn a checkpoint of the authors' code into a model")
    command.add_argument("checkpoint", type=Path, help=".pth that their train.py saved")
    command.add_argument("--labels", type=Path, required=True, help="label table: what C3IM compares")
    command.add_argument(
        "--audio-weights",
        type=Path,
        help="the audio encoder, which their checkpoints lack: a c3n model that holds it, or its state dict "
        "(default: the public files, see c3n weights)",
    )
    command.add_argument("-o", "--out", type=Path, required=True, help="safetensors file to write")
    command.set_defaults(run=run)


def run(options, command_line: str) -> str:
    """Put checkpoint, labels and audio encoder together."""
    from c3n_model.files.outputs import refuse_overwriting
    from c3n_model.labels.names import audioset_names, check_public_labels
    from c3n_model.labels.table import LabelTable
    from c3n_model.model import Model
    from c3n_model.weights import manifest
    from c3n_model.weights.authors import from_authors
    from c3n_model.weights.checkpoint import build_network, save_model
    from c3n_model.weights.pretrained import load_audio
    from c3n_model.weights.tensors import fill, read_tensors

    refuse_overwriting([options.checkpoint, options.labels, options.audio_weights], [options.out])
    config, tensors = from_authors(read_tensors(options.checkpoint))
    labels = LabelTable.load(options.labels)
    sounds = audioset_names(manifest.find("audioset_classes"))
    check_public_labels(labels.audio_labels, labels.visual_labels, sounds)
    network = build_network(config, labels.similarity)
    if options.audio_weights is None:
        load_audio(network.audio_encoder, config.audio)
    else:
        fill(network.audio_encoder, _audio_part(read_tensors(options.audio_weights)), options.audio_weights)
    kept = {name: value for name, value in network.state_dict().items() if name.startswith((AUDIO, "similarity"))}
    fill(network, tensors | kept, options.checkpoint)
    card = {"note": NOTE, "commands": [command_line], "labels": labels.provenance}
    model = Model(options.out.stem, network.eval(), config, labels.audio_labels, labels.visual_labels, card)
    save_model(options.out, model)
    return f"wrote {options.out}: {config.visual} with {config.audio}"


def _audio_part(tensors: dict) -> dict:
    """The audio encoder's tensors: those that bear its name within a model of ours, else all of them."""
    within = {name.removeprefix(AUDIO): tensor for name, tensor in tensors.items() if name.startswith(AUDIO)}
    return within or tensors
