"""`c3n pretrain`: train the two classifiers of the synthetic world; the rest of the network stays random."""

from __future__ import annotations

from pathlib import Path


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser("pretrain", help="train the two classifiers of the synthetic world")
    command.add_argument("--config", type=Path, required=True, help="YAML, such as config/demo.yaml")
    command.add_argument("-o", "--out", type=Path, required=True, help="safetensors file to write")
    command.set_defaults(run=run)


def run(options, command_line: str) -> str:
    """Pretrain and save the classifiers."""
    from c3n_model.config import read_config
    from c3n_model.progress import bar
    from c3n_model.synthetic.pretrain import pretrain_classifiers
    from c3n_model.weights.checkpoint import save_model

    config = read_config(options.config)
    model = pretrain_classifiers(options.out.stem, config.model, config.pretrain, bar)
    model.card["commands"] = [command_line]
    save_model(options.out, model)
    return f"wrote {options.out}: final mean loss {model.card['losses']}"
