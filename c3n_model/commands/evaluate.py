"""`c3n evaluate`: score a model on every AVSBench setting in a folder; prints JSON and writes a report page."""

from __future__ import annotations

import json
from pathlib import Path


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser("evaluate", help="score a model on clips in AVSBench's layout")
    command.add_argument("model", help="demo, zero_shot, a safetensors file, or a YAML file with a zero_shot section")
    command.add_argument("data", type=Path, help="folder with Single-source and/or Multi-sources")
    command.add_argument("-o", "--out", type=Path, help="folder for report.html, metrics.json, clips.csv, frames.csv")
    command.add_argument("--setting", choices=("s4", "ms3"), help="default: all settings in the folder")
    command.add_argument("--split", default="test", help="train, val or test (default %(default)s)")
    command.add_argument(
        "--batch-size",
        type=int,
        default=1,
        help="clips per batch for the official metrics; does not affect predictions (default %(default)s)",
    )
    command.add_argument(
        "--gated",
        action="store_true",
        help="score masks as the live node publishes them: empty if nothing is audible or the source is not in view",
    )
    command.add_argument("--device", default="auto", help="auto, cpu or cuda (default %(default)s)")
    command.set_defaults(run=run)


def run(options, command_line: str) -> str:
    """Evaluate; return the scores as JSON and write the report to `options.out`."""
    from c3n_model.data.avsbench import AVSBench, settings_below
    from c3n_model.loading import load_model
    from c3n_model.model import choose_device
    from c3n_model.progress import bar
    from c3n_model.scoring.evaluate import evaluate
    from c3n_model.scoring.evaluation import PAGE
    from c3n_model.scoring.report.gallery import make_gallery
    from c3n_model.scoring.report.page import write_report
    from c3n_model.scoring.report.tables import describe_model

    if options.batch_size < 1:
        raise ValueError(f"--batch-size is {options.batch_size}; expected at least 1 clip")
    model, device = load_model(options.model), choose_device(options.device)
    settings = [options.setting] if options.setting else settings_below(options.data)
    clips = [AVSBench(options.data, setting, options.split, model.sample_rate) for setting in settings]
    evaluations = [evaluate(model, part, device, bar, gated=options.gated) for part in clips]
    scores = {evaluation.setting: evaluation.summary(options.batch_size) for evaluation in evaluations}
    result = {"model": options.model, "split": options.split, "gated": options.gated, "scores": scores}
    if options.out is not None:
        about = {
            "command": command_line,
            "model": describe_model(options.model, model),
            "split": options.split,
            "gated": options.gated,
            "device": str(device),
        }
        galleries = [
            make_gallery(model, part, done, device, bar, gated=options.gated) for part, done in zip(clips, evaluations)
        ]
        write_report(options.out, about, evaluations, galleries, batch_size=options.batch_size)
        result["report"] = str(options.out / PAGE)
    return json.dumps(result, indent=2)
