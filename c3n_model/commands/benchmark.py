"""`c3n benchmark`: time the network or the training loader on this machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from c3n_model.commands import Unsuccessful

# Passed on to c3n_ros, which this package does not import; their defaults are there.
_NODE_OPTIONS = ("model", "hop", "sizes", "rates", "seconds", "parameters", "json", "markdown", "plot")


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser("benchmark", help="time the network or the training loader on this machine")
    kinds = command.add_subparsers(required=True, metavar="TARGET")
    network = kinds.add_parser(
        "network", help="compare streaming inference, the factorised fusion and CCAM with their alternatives"
    )
    network.add_argument("model", help="demo, or a safetensors file")
    network.add_argument("--pairs", type=int, default=20, help="timed pairs per comparison (default %(default)s)")
    network.set_defaults(run=run_network)
    step = kinds.add_parser(
        "step", help="compare one second of a stream with the paper's form, TPAVI, the backbone and other runtimes"
    )
    step.add_argument("model", help="demo, a safetensors file, or a YAML file for c3n train (random weights)")
    step.add_argument("--rounds", type=int, default=10, help="repetitions of each measurement (default %(default)s)")
    step.add_argument(
        "--onnx", type=Path, metavar="FILE", help="the same model as written by c3n export, to be compared, too"
    )
    step.add_argument("--json", type=Path, metavar="FILE", help="write all numbers to FILE")
    step.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables to FILE, too")
    step.add_argument("--plot", type=Path, metavar="FILE", help="write a picture of the ratios to FILE (png)")
    step.set_defaults(run=run_step)
    profiles = kinds.add_parser("profiles", help="compare what models cost in a live second, and how well they segment")
    profiles.add_argument(
        "models",
        nargs="+",
        help="YAML files for c3n train, such as config/nano.yaml (random weights), demo, or safetensors files",
    )
    profiles.add_argument("--pairs", type=int, default=10, help="timed pairs per model (default %(default)s)")
    profiles.add_argument(
        "--data", type=Path, help="folder in AVSBench's layout, on whose test split trained models are scored, too"
    )
    profiles.set_defaults(run=run_profiles)
    loader = kinds.add_parser("loader", help="compare the throughput of the training loader and of the training step")
    loader.add_argument("data", type=Path, help="folder with Single-source and/or Multi-sources")
    loader.add_argument(
        "--config", type=Path, help="YAML file for c3n train (default: the paper's settings, which need a GPU)"
    )
    loader.add_argument("--rounds", type=int, default=5, help="repetitions of each measurement (default %(default)s)")
    loader.set_defaults(run=run_loader)
    node = kinds.add_parser("node", help="losses, latency and CPU of the ROS node by size and rate of the images")
    node.add_argument("--model", help="the node's parameter model (default demo)")
    node.add_argument("--hop", help="seconds between windows (default 1)")
    node.add_argument("--sizes", nargs="+", metavar="WIDTHxHEIGHT", help="default 640x480 1280x720 1920x1080 3840x2160")
    node.add_argument("--rates", nargs="+", metavar="HZ", help="images per second (default 15 30 60)")
    node.add_argument("--seconds", help="duration of each measurement (default 10)")
    node.add_argument(
        "--parameters",
        nargs="+",
        metavar="NAME:=VALUE",
        help="further parameters of the node, such as compare_motion:=true max_sources:=2",
    )
    for name in ("json", "markdown", "plot"):
        node.add_argument(f"--{name}", metavar="FILE", help=f"write the results to FILE as {name}")
    node.set_defaults(run=run_node)
    for kind in (network, step, profiles, loader):
        kind.add_argument("--device", default="auto", help="auto, cpu or cuda (default %(default)s)")
    for kind in (network, loader):
        kind.add_argument("--json", action="store_true", help="print JSON instead of a table")


def run_network(options, _: str) -> str:
    """Time the network; return a table, or JSON."""
    from c3n_model.experiments.cost.benchmark import benchmark_network
    from c3n_model.experiments.cost.spread_report import comparison_mapping, comparison_table
    from c3n_model.loading import load_model
    from c3n_model.model import choose_device
    from c3n_model.progress import bar

    device = choose_device(options.device)
    comparisons = benchmark_network(load_model(options.model), device, options.pairs, bar)
    if options.json:
        about = {"model": options.model, "pairs": options.pairs, **_machine(device)}
        return json.dumps(about | {"comparisons": [comparison_mapping(each) for each in comparisons]}, indent=2)
    title = f"{options.model} on {describe_machine(device)}: {options.pairs} pairs, median and interquartile range"
    return comparison_table(comparisons, title)


def run_step(options, _: str) -> str:
    """Time the step; write what was asked for, and return the tables."""
    from c3n_model.complete_file import write_complete
    from c3n_model.experiments.cost.benchmark_step import benchmark_step
    from c3n_model.experiments.cost.step_report import plot_ratios, step_mapping, step_tables
    from c3n_model.experiments.paper.baselines import TPAVI
    from c3n_model.model import choose_device
    from c3n_model.progress import bar

    device = choose_device(options.device)
    model = _model_to_time(options.model)
    result = benchmark_step(model, device, options.rounds, bar, tpavi=TPAVI, exported=options.onnx)
    about = {"model": options.model, "rounds": options.rounds, **_machine(device)}
    text = step_tables(result, f"{options.model} on {describe_machine(device)}, {options.rounds} rounds")
    if options.json:
        write_complete(options.json, json.dumps(about | step_mapping(result), indent=2) + "\n")
    if options.markdown:
        write_complete(options.markdown, text + "\n")
    if options.plot:
        plot_ratios(result, options.plot)
    return text


def run_profiles(options, _: str) -> str:
    """Measure models, those of configs with random weights; return a table."""
    import torch

    from c3n_model.experiments.cost.profiles import measure_accuracy, measure_profile, profile_table
    from c3n_model.model import choose_device
    from c3n_model.progress import bar

    torch.set_num_threads(1)
    device = choose_device(options.device)
    models = [_model_to_time(name) for name in options.models]
    costs = [measure_profile(model, device, options.pairs, bar) for model in models]
    scores = [
        measure_accuracy(model, options.data, device, bar) if options.data and not _is_config(name) else {}
        for name, model in zip(options.models, models)
    ]
    note = f"median and quartiles of {options.pairs} pairs; YAML files: random weights, without a score"
    return f"{profile_table(costs, scores)}\n\n{describe_machine(device)}; {note}"


def run_node(options, _: str) -> str:
    """Measure the ROS node in processes of their own. Raises ValueError where the workspace is not sourced."""
    from importlib.util import find_spec

    if find_spec("rclpy") is None or find_spec("c3n_ros.msg") is None:
        raise ValueError(
            "benchmark node needs ROS 2 and the built workspace: `make build`, then `. install/setup.bash`"
        )
    given = {name: getattr(options, name) for name in _NODE_OPTIONS if getattr(options, name) is not None}
    arguments = [
        text for name, value in given.items() for text in (f"--{name}", *([value] if isinstance(value, str) else value))
    ]
    status = subprocess.call([sys.executable, "-m", "c3n_ros.rig.node_benchmark", *arguments])
    if status:
        raise Unsuccessful(f"benchmark node ended with {status}; see above")
    return ""


def _is_config(name: str) -> bool:
    return Path(name).suffix in (".yaml", ".yml")


def _model_to_time(name: str):
    """Load a model, or build one with random weights from the section `model` of a YAML file."""
    from c3n_model.loading import load_model

    if not _is_config(name):
        return load_model(name)
    from c3n_model.config import read_config
    from c3n_model.experiments.cost.profiles import random_model

    return random_model(Path(name).stem, read_config(Path(name)).model)


def run_loader(options, _: str) -> str:
    """Time the loader and the training step; return a table, or JSON."""
    from c3n_model.config import ModelConfig, TrainConfig, read_config, to_mapping
    from c3n_model.experiments.cost.benchmark_loader import benchmark_loader
    from c3n_model.experiments.cost.spread_report import loader_mapping, loader_table
    from c3n_model.model import choose_device
    from c3n_model.progress import bar

    config = read_config(options.config) if options.config else None
    model, train = (config.model, config.train) if config else (ModelConfig(), TrainConfig())
    device = choose_device(options.device)
    result = benchmark_loader(options.data, model, train, device, options.rounds, bar)
    if options.json:
        about = {"model": to_mapping(model), "train": to_mapping(train), "rounds": options.rounds, **_machine(device)}
        return json.dumps(about | loader_mapping(result), indent=2)
    return loader_table(
        result,
        f"{result.clips} training clips in batches of {result.batch_size}, {model.visual} + {model.audio} at "
        f"{model.image_size} on {describe_machine(device)}: {options.rounds} rounds, median and interquartile range",
    )


def describe_machine(device) -> str:
    """Describe the device for people, such as "cpu (2 threads)"."""
    import torch

    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return f"{device} ({torch.get_num_threads()} threads)"


def _machine(device) -> dict:
    from c3n_model.environment import describe_environment

    return {"device": describe_machine(device), "environment": describe_environment()}
