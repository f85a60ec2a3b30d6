"""`c3n describe`: parameters and multiply-accumulates (MACs) of a network and its parts, next to the paper's."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

PART_NAMES = {
    "visual_encoder": "visual encoder",
    "audio_encoder": "audio encoder",
    "pyramids": "pyramids (ASPP)",
    "fusions": "fusions",
    "decoder": "decoder",
    "consensus": "C3IM: both classifiers",
    "attention": "CCAM: backward pass",
}

DIFFERENCES = """\
The "FLOPs" of Table IV are what the counter thop reports for the authors' code: the MACs of layers in the forward pass, with
fusions evaluated at every position, and 4 operations per element of a norm. thop counts neither matrix products outside
layers nor the backward pass of CCAM, so the "+0.03 G" are the two classifiers alone.
Parameters: C3N's 177.15 M include the norms of the authors' fusions (fusion_norm: true adds them). Without the classifiers,
171.76 M remain; the paper's 171.46 M differ by one digit."""


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser("describe", help="parameters and MACs of a network, next to the paper's")
    command.add_argument("--config", type=Path, help="YAML file with a model section; the options below override it")
    command.add_argument("--visual", help="timm backbone (default pvt_v2_b5)")
    command.add_argument("--audio", help="audio encoder, such as vggish (default mn04)")
    command.add_argument("--frames", type=int, dest="history", help="frames per clip (default 5)")
    command.add_argument("--image-size", type=int, help="height and width of a frame (default 224)")
    command.add_argument(
        "--training",
        type=int,
        metavar="CLIPS",
        help="with --config: what a training on so many composed clips needs instead",
    )
    command.add_argument("--json", action="store_true", help="print JSON instead of a table")
    command.set_defaults(run=run)


def run(options, _: str) -> str:
    """Count parameters and MACs; return a table, or JSON."""
    from c3n_model.config import ModelConfig, read_config
    from c3n_model.experiments.cost.describe import describe

    if options.training is not None:
        return _training(options)
    config = read_config(options.config).model if options.config else ModelConfig()
    given = {name: getattr(options, name) for name in ("visual", "audio", "history", "image_size")}
    description = describe(replace(config, **{name: value for name, value in given.items() if value is not None}))
    return json.dumps(to_mapping(description), indent=2) if options.json else to_table(description)


def _training(options) -> str:
    """Return what a training of the config needs: operations, disk, hours and money, with all assumptions."""
    from c3n_model.config import read_config
    from c3n_model.experiments.cost.training_cost import to_text, training_cost

    if options.config is None or options.training < 1:
        raise ValueError("--training needs --config with the sections model and train, and at least one clip")
    config = read_config(options.config)
    cost = training_cost(config, options.training)
    return json.dumps(asdict(cost), indent=2) if options.json else to_text(config, cost)


def to_mapping(description) -> dict:
    """Convert the description to plain numbers (MACs per clip). `paper` is None for networks not in Table IV."""
    config = description.config
    wholes = {name: getattr(description, name) for name in ("baseline", "c3n")}
    parts = {name: asdict(cost) for name, cost in description.parts.items()}
    parts["audio_encoder"]["front_end_macs"] = description.front_end_macs
    parts["fusions"]["matmul_macs"] = description.parts["fusions"].matmul_macs
    parts["fusions"]["naive_macs"] = description.naive_fusions.macs
    parts["fusions"]["naive_matmul_macs"] = description.naive_fusions.matmul_macs
    return {
        "visual": config.visual,
        "audio": config.audio,
        "frames": config.history,
        "image_size": config.image_size,
        "audio_classes": description.audio_classes,
        "visual_classes": description.visual_classes,
        **{name: {**asdict(cost), "thop": description.as_thop_counts(cost)} for name, cost in wholes.items()},
        "parts": parts,
        "paper": description.paper,
    }


def to_table(description) -> str:
    """Format the description: each part, then the totals as thop counts them and the paper's values."""
    config = description.config
    lines = [
        f"{config.visual} + {config.audio}: a clip of {config.history} frames of {config.image_size} x {config.image_size}, "
        f"{description.audio_classes} audio classes and {description.visual_classes} visual classes",
        "",
        _row("", "parameters", "MACs", "outside layers"),
    ]
    for name, cost in description.parts.items():
        if name == "consensus":
            lines.append(_row("baseline", description.baseline.parameters, description.baseline.macs))
        lines.append(_row(PART_NAMES[name], cost.parameters, cost.macs, cost.matmul_macs))
        if name == "fusions":
            lines.append(
                _row("  (if naive)", "", description.naive_fusions.macs, description.naive_fusions.matmul_macs)
            )
    lines.append(_row("C3N", description.c3n.parameters, description.c3n.macs))
    lines += ["", _row("as thop counts", "parameters", "operations", "Table IV" if description.paper else "")]
    for name, label in (("baseline", "baseline"), ("c3n", "C3N")):
        cost = getattr(description, name)
        paper = "{parameters_m} M  {gflops} G".format(**description.paper[name]) if description.paper else ""
        lines.append(_row(label, cost.parameters, description.as_thop_counts(cost), paper))
    return "\n".join([*lines, "", DIFFERENCES] if description.paper else lines)


def _row(label: str, *cells: int | str) -> str:
    figures = (f"{cell:,}" if isinstance(cell, int) else cell for cell in cells)
    return f"{label:<24}" + "".join(map("{:>20}".format, figures)).rstrip()
