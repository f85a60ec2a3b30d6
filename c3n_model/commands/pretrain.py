"""`c3n pretrain`: both classifiers of the synthetic world, in a network whose rest is still random."""

from __future__ import annotations

from pathlib import Path

DEMO_NOTE = (
    "Trained on synthetic scenes of eight made-up objects. It proves that every part works; "
    "it is no model of the world and knows no real object."
)


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser("pretrain", help="train the two classifiers of the synthetic world")
    command.add_argument("--config", type=Path, required=True, help="YAML, such as config/demo.yaml")
    command.add_argument("-o", "--out", type=Path, required=True, help="safetensors file to write")
    command.set_defaults(run=run)


def run(options, command_line: str) -> str:
    """Pretrain, then save."""
    import torch

    from c3n_model.checkpoint import build_network, save_model
    from c3n_model.config import read_config, to_mapping
    from c3n_model.data import synthetic_world as world
    from c3n_model.model import Model
    from c3n_model.network.consensus import label_similarity
    from c3n_model.pretrain import pretrain_audio, pretrain_visual
    from c3n_model.progress import bar

    config = read_config(options.config)
    audio, visual = (torch.from_numpy(table) for table in world.label_embeddings())
    torch.manual_seed(config.pretrain.seed)
    network = build_network(config.model, label_similarity(audio, visual))
    network.requires_grad_(True)  # the heads, too, until they are trained
    losses = {
        "audio": pretrain_audio(network.audio_encoder, config.pretrain, bar),
        "visual": pretrain_visual(network.visual_encoder, config.model.image_size, config.pretrain, bar),
    }
    card = {"note": DEMO_NOTE, "commands": [command_line], "pretrain": to_mapping(config.pretrain), "losses": losses}
    model = Model(options.out.stem, network, config.model, world.AUDIO_LABELS, world.VISUAL_LABELS, card)
    save_model(options.out, model)
    return f"wrote {options.out}: mean loss at the end {losses}"
