"""`c3n train`: train C3N, keep the best epoch on the validation splits, and score it on the test splits.

On several GPUs: torchrun --nproc_per_node 4 -m c3n_model train ...
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
    start.add_argument(
        "--labels",
        help="sources (the table of sound sources, as of zero_shot), or a label table written by c3n labels build; encoders: "
        "see c3n weights",
    )
    start.add_argument("--start", type=Path, metavar="MODEL", help="a trained model, to be trained further")
    command.add_argument(
        "--visual-head", type=Path, metavar="FILE", help="with --labels: visual classes of c3n train-visual-head"
    )
    command.add_argument("-o", "--out", type=Path, required=True, help="safetensors file to write")
    command.add_argument("--device", default="auto", help="auto, cpu or cuda (default %(default)s)")
    workers = min(4, os.cpu_count() or 1)
    command.add_argument(
        "--workers",
        type=int,
        default=workers,
        help="number of data loader processes; does not affect the result (default %(default)s)",
    )
    command.set_defaults(run=run)


def run(options, command_line: str) -> str:
    """Train, keep the best epoch in `options.out` and score it. The same command resumes an interrupted training."""
    from c3n_model.config import read_config
    from c3n_model.data.avsbench import AVSBench, settings_below, splits_of
    from c3n_model.files.outputs import refuse_overwriting
    from c3n_model.model import choose_device
    from c3n_model.progress import bar, silent
    from c3n_model.scoring.evaluate import evaluate
    from c3n_model.training.distributed import local_device, process_group
    from c3n_model.training.run import fit_model
    from c3n_model.training.thresholds import with_fitted_thresholds
    from c3n_model.weights.checkpoint import save_model

    if options.visual_head is not None and options.labels is None:
        raise ValueError("--visual-head goes with --labels; a model given by --start has its own visual classes")
    sources = (options.classifiers, options.labels, options.start, options.visual_head, options.config)
    refuse_overwriting([*sources, *options.data], [options.out])
    with process_group() as group:
        progress = bar if group.is_main else silent
        config = read_config(options.config)
        model = _untrained(options, config, command_line)
        device = choose_device(local_device(options.device))
        parts = [(root, kind) for root in options.data for kind in settings_below(root)]
        splits = {split: [AVSBench(*part, split, model.sample_rate) for part in parts] for split in ("train", "val")}
        splits["test"] = [AVSBench(*part, "test", model.sample_rate) for part in parts if "test" in splits_of(*part)]
        best = fit_model(
            model, splits, config.train, device, options.out, progress, workers=options.workers, group=group
        )
        if not group.is_main:
            return ""
        if config.train.fit_thresholds:
            best = with_fitted_thresholds(best, splits["val"], device, bar)
        best.card["scores"] = {clips.setting: evaluate(best, clips, device, bar).summary() for clips in splits["test"]}
        save_model(options.out, best)
    return f"wrote {options.out}: {json.dumps(best.card['scores'], indent=2)}"


def _untrained(options, config, command_line: str):
    """Build C3N with pretrained encoders and random other parts; its card lists the commands that made it."""
    from c3n_model.config import to_mapping
    from c3n_model.training.start import from_classifiers, from_model, from_public

    name, seed = options.out.stem, config.train.seed
    if options.labels is not None:
        model = from_public(name, config.model, options.labels, seed, options.visual_head)
    elif options.start is not None:
        model = from_model(name, config.model, options.start, seed)
    else:
        model = from_classifiers(name, config.model, options.classifiers, seed)
    commands = [*model.card.get("commands", []), command_line]
    model.card.update(commands=commands, train=to_mapping(config.train))
    return model
