"""`c3n train`: the best epoch on the validation splits, scored on the test splits. On several GPUs:

torchrun --nproc_per_node 4 -m c3n_model train ...
"""

from __future__ import annotations

import json
import os
from pathlib import Path


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser("train", help="train C3N on clips in AVSBench's layout")
    command.add_argument("data", type=Path, nargs="+", help="folders with Single-source and/or Multi-sources")
    command.add_argument("--config", type=Path, required=True, help="YAML, such as config/demo.yaml")
    start = command.add_mutually_exclusive_group(required=True)
    start.add_argument("--classifiers", type=Path, help="classifiers of the synthetic world, written by c3n pretrain")
    start.add_argument("--labels", type=Path, help="label table of c3n labels build; encoders: see c3n weights")
    command.add_argument("-o", "--out", type=Path, required=True, help="safetensors file to write")
    command.add_argument("--device", default="auto", help="auto, cpu or cuda (default %(default)s)")
    workers = min(4, os.cpu_count() or 1)
    command.add_argument(
        "--workers",
        type=int,
        default=workers,
        help="processes that load clips (default %(default)s): no matter of results",
    )
    command.set_defaults(run=run)


def run(options, command_line: str) -> str:
    """Train, keeping the best epoch in `options.out`; then score that. Interrupted, the same command goes on."""
    from c3n_model.checkpoint import save_model
    from c3n_model.config import read_config
    from c3n_model.data.avsbench import AVSBench, settings_below
    from c3n_model.distributed import joined_group, own_device
    from c3n_model.evaluate import evaluate
    from c3n_model.model import choose_device
    from c3n_model.progress import bar, silent
    from c3n_model.training_run import fit_model

    with joined_group() as group:
        progress = bar if group.is_main else silent
        config = read_config(options.config)
        model = _untrained(options, config, command_line)
        device = choose_device(own_device(options.device))
        splits = {
            split: [
                AVSBench(root, kind, split, model.sample_rate) for root in options.data for kind in settings_below(root)
            ]
            for split in ("train", "val", "test")
        }
        best = fit_model(
            model, splits, config.train, device, options.out, progress, workers=options.workers, group=group
        )
        if not group.is_main:
            return ""
        best.card["scores"] = {clips.setting: evaluate(best, clips, device, bar).summary() for clips in splits["test"]}
        save_model(options.out, best)
    return f"wrote {options.out}: {json.dumps(best.card['scores'], indent=2)}"


def _untrained(options, config, command_line: str):
    """C3N whose encoders are pretrained and whose other parts are random."""
    import torch

    torch.manual_seed(config.train.seed)
    if options.labels is not None:
        return _from_public(options, config, command_line)
    return _from_classifiers(options, config, command_line)


def _from_public(options, config, command_line: str):
    """Encoders with public ImageNet and AudioSet weights, classes from a label table."""
    from c3n_model.checkpoint import build_network
    from c3n_model.config import to_mapping
    from c3n_model.labels.names import audioset_names, check_public_labels
    from c3n_model.labels.table import LabelTable
    from c3n_model.model import Model
    from c3n_model.pretrained import load_audio, load_visual
    from c3n_model.weights import checksum_of, find

    table = LabelTable.load(options.labels)
    check_public_labels(table.audio_labels, table.visual_labels, audioset_names(find("audioset_classes")))
    network = build_network(config.model, table.similarity)
    files = [
        *load_visual(network.visual_encoder, config.model.visual),
        *load_audio(network.audio_encoder, config.model.audio),
    ]
    card = {
        "commands": [command_line],
        "labels": table.provenance,
        "weights": {path.name: f"sha256:{checksum_of(path)}" for path in files},
        "train": to_mapping(config.train),
    }
    return Model(options.out.stem, network, config.model, table.audio_labels, table.visual_labels, card)


def _from_classifiers(options, config, command_line: str):
    """The encoders and labels of a file that c3n pretrain wrote."""
    from c3n_model.checkpoint import build_network, load_checkpoint
    from c3n_model.config import to_mapping
    from c3n_model.model import Model

    start = load_checkpoint(options.classifiers)
    for part in ("visual", "audio"):
        wanted, got = getattr(config.model, part), getattr(start.config, part)
        if wanted != got:
            raise ValueError(
                f"{options.config} names the {part} encoder {wanted}, but {options.classifiers} holds {got}"
            )
    network = build_network(config.model, start.network.similarity)
    for part in ("visual_encoder", "audio_encoder"):
        getattr(network, part).load_state_dict(getattr(start.network, part).state_dict())
    commands = [*start.card.get("commands", []), command_line]
    card = {**start.card, "commands": commands, "train": to_mapping(config.train)}
    return Model(options.out.stem, network, config.model, start.audio_labels, start.visual_labels, card)
