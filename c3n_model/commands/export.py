"""`c3n export`: write one step of a model as an ONNX graph, checked in each installed runtime."""

from __future__ import annotations

from pathlib import Path

CHECKED_INPUTS = 20  # seconds of the demo scene


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser("export", help="write one step of a model as an ONNX graph, for other runtimes")
    command.add_argument("model", help="demo, or a safetensors file of c3n train")
    command.add_argument("-o", "--out", type=Path, required=True, metavar="FILE", help="the .onnx file to write")
    command.add_argument("--history", type=int, help="most seconds decoded together (default: the model's)")
    command.set_defaults(run=run)


def run(options, _: str) -> str:
    """Write the file; return what the checks found."""
    from c3n_model.deployment.export import export_model
    from c3n_model.loading import load_model
    from c3n_model.progress import bar
    from c3n_model.synthetic.source import demo_seconds

    if options.out.suffix != ".onnx":
        raise ValueError(f"expected a file that ends in .onnx, got {options.out}")
    model = load_model(options.model)
    seconds = demo_seconds(CHECKED_INPUTS, model.sample_rate)
    checks = export_model(model, options.out, seconds, history=options.history, progress=bar)
    lines = [f"{name}: {check}{'' if check.passed else ' - refused'}" for name, check in checks.items()] or [
        "no runtime is installed to check it: pip install onnxruntime or openvino, and export again"
    ]
    megabytes = options.out.stat().st_size / 1e6
    return "\n".join([*lines, f"wrote {options.out} ({megabytes:.1f} MB)"])
