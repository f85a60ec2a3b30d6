"""`c3n evaluate`: the scores of every setting found below a folder, as JSON."""

from __future__ import annotations

import json
from pathlib import Path


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser("evaluate", help="score a model on clips in AVSBench's layout")
    command.add_argument("model", help="demo, or a safetensors file")
    command.add_argument("data", type=Path, help="folder with Single-source and/or Multi-sources")
    command.add_argument("--split", default="test", help="train, val or test (default %(default)s)")
    command.add_argument("--device", default="auto", help="auto, cpu or cuda (default %(default)s)")
    command.set_defaults(run=run)


def run(options, _: str) -> str:
    """Evaluate."""
    from c3n_model.data.avsbench import AVSBench, settings_below
    from c3n_model.evaluate import evaluate
    from c3n_model.loading import load_model
    from c3n_model.model import choose_device
    from c3n_model.progress import bar

    model = load_model(options.model)
    clips = [AVSBench(options.data, kind, options.split, model.sample_rate) for kind in settings_below(options.data)]
    scores = {part.setting: evaluate(model, part, choose_device(options.device), bar) for part in clips}
    return json.dumps({"model": options.model, "split": options.split, "scores": scores}, indent=2)
