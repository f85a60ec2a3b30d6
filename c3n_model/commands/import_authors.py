"""`c3n import`: convert a checkpoint of the authors' code (ZhaofengSHI/AVS-C3N) to a model file."""

from __future__ import annotations

from pathlib import Path

AUDIO = "audio_encoder."
PLACES = "place_in_checkpoint"
NOTE = "Imported from a checkpoint of the authors' code, with label similarities of this project: the authors' are not public."


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser("import", help="convert a checkpoint of the authors' code to a model file")
    command.add_argument("checkpoint", type=Path, help=".pth file saved by their train.py")
    command.add_argument("--labels", type=Path, required=True, help="label table written by c3n labels build")
    command.add_argument(
        "--audio-weights",
        type=Path,
        help="audio encoder, which their checkpoints do not include: a c3n model that contains it, or its state dict "
        "(default: the public weights, see c3n weights)",
    )
    command.add_argument(
        "--setting",
        choices=["s4", "ms3"],
        help="setting of its training, needed for PANNs (default: from its file name, S4_... or MS3_...)",
    )
    command.add_argument("-o", "--out", type=Path, required=True, help="safetensors file to write")
    command.set_defaults(run=run)


def run(options, command_line: str) -> str:
    """Combine the checkpoint, the label table and the audio encoder; save the model."""
    from c3n_model.files.outputs import refuse_overwriting
    from c3n_model.labels.names import audioset_names, check_public_labels
    from c3n_model.labels.similarity_table import LabelTable
    from c3n_model.model import Model
    from c3n_model.weights import manifest
    from c3n_model.weights.authors import from_authors, setting_of
    from c3n_model.weights.checkpoint import build_network, save_model
    from c3n_model.weights.pretrained import find_class_places, load_audio
    from c3n_model.weights.tensors import load_weights, read_tensors

    refuse_overwriting([options.checkpoint, options.labels, options.audio_weights], [options.out])
    setting = options.setting or setting_of(options.checkpoint)
    config, tensors = from_authors(read_tensors(options.checkpoint), setting)
    labels = LabelTable.load(options.labels)
    sounds = audioset_names(manifest.find("audioset_classes"))
    check_public_labels(labels.audio_labels, labels.visual_labels, sounds)
    network = build_network(config, labels.similarity)
    given = {} if options.audio_weights is None else read_tensors(options.audio_weights)
    if options.audio_weights is None:
        load_audio(network.audio_encoder, config.audio)
    else:
        load_weights(network.audio_encoder, _audio_tensors(given), options.audio_weights)
    if network.place_in_checkpoint is not None:
        network.place_in_checkpoint.copy_(given[PLACES] if PLACES in given else find_class_places(config.audio))
    kept = {
        name: value for name, value in network.state_dict().items() if name.startswith((AUDIO, "similarity", PLACES))
    }
    load_weights(network, tensors | kept, options.checkpoint)
    card = {"note": NOTE, "setting": setting, "commands": [command_line], "labels": labels.provenance}
    model = Model(options.out.stem, network.eval(), config, labels.audio_labels, labels.visual_labels, card)
    save_model(options.out, model)
    return f"wrote {options.out}: {config.visual} with {config.audio}{_deviation(config)}"


def _deviation(config) -> str:
    """Describe how their code processes sound differently from the paper; "" if it does not."""
    if config.audio_scores == "sigmoid":
        return "; as in their S4 code, C3IM uses sigmoids of the audio logits (audio_scores: sigmoid)"
    if config.audio_order == "checkpoint":
        return "; as in their code, C3IM uses the audio classes in BEATs' own order (audio_order: checkpoint)"
    if config.snippet_spacing_s != 1:
        return (
            f"; as in their code, the snippets of a clip start {config.snippet_spacing_s} s apart (snippet_spacing_s)"
        )
    return ""


def _audio_tensors(tensors: dict) -> dict:
    """Select the audio encoder's tensors from a c3n model; return a bare state dict unchanged."""
    selected = {name.removeprefix(AUDIO): tensor for name, tensor in tensors.items() if name.startswith(AUDIO)}
    return selected or tensors
