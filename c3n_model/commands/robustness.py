"""`c3n robustness`: masks with missing or foreign sound, and with the faults of microphones and cameras on robots."""

from __future__ import annotations

from pathlib import Path


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser(
        "robustness", help="score a model with missing, foreign and degraded sound and frames"
    )
    command.add_argument("model", help="demo, zero_shot, a safetensors file, or a YAML file with a zero_shot section")
    command.add_argument("data", type=Path, help="folder with Single-source and/or Multi-sources")
    command.add_argument(
        "-o", "--out", type=Path, required=True, help="folder for robustness.md, robustness.json, robustness.png"
    )
    command.add_argument("--setting", choices=("s4", "ms3"), help="default: all settings in the folder")
    command.add_argument("--split", default="test", help="train, val or test (default %(default)s)")
    command.add_argument("--clips", type=int, default=10**9, help="only so many clips of each setting (default: all)")
    command.add_argument(
        "--only", nargs="+", metavar="NAME", help="only these conditions, such as off-screen; and clean"
    )
    command.add_argument("--seed", type=int, default=0, help="of noise and off-screen sounds (default %(default)s)")
    command.add_argument("--device", default="auto", help="auto, cpu or cuda (default %(default)s)")
    command.set_defaults(run=run)


def run(options, command_line: str) -> str:
    """Measure every condition and write the results; return the global metrics as text."""
    from c3n_model.data.avsbench import AVSBench, settings_below
    from c3n_model.experiments.robustness.bench import measure
    from c3n_model.experiments.robustness.conditions import conditions, select
    from c3n_model.experiments.robustness.report import PAGE, render, write_robustness
    from c3n_model.loading import load_model
    from c3n_model.model import choose_device
    from c3n_model.progress import bar
    from c3n_model.scoring.report.tables import describe_model
    from c3n_model.training.negatives import Donors

    if options.clips < 1:
        raise ValueError(f"--clips is {options.clips}; expected at least 1")
    model, device = load_model(options.model), choose_device(options.device)
    found = settings_below(options.data)
    datasets = {setting: AVSBench(options.data, setting, options.split, model.sample_rate) for setting in found}
    donors = Donors(datasets.values())
    tables, every = {}, []
    for setting in [options.setting] if options.setting else found:
        if setting not in datasets:
            raise ValueError(f"{options.data} has no clips of {setting}; it has {', '.join(found)}")
        every = select(conditions(datasets[setting], donors, options.seed), options.only)
        tables[setting] = measure(model, datasets[setting], every, options.clips, device, bar)
    about = {
        "command": command_line,
        "model": describe_model(options.model, model),
        "split": options.split,
        "seed": options.seed,
        "device": str(device),
    }
    results = write_robustness(options.out, about, every, tables)
    table = render(results, every, tables)
    return f"{table[table.index('| setting') : table.index('##')].strip()}\nwrote {options.out / PAGE}"
