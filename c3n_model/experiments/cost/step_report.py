"""The results of `benchmark_step` as numbers, tables in Markdown, and a plot."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from c3n_model.complete_file import complete_file
from c3n_model.experiments.cost.benchmark import Spread
from c3n_model.experiments.cost.benchmark_step import REFERENCE, StepBenchmark

_DOTS_PER_INCH = 110


def step_mapping(result: StepBenchmark) -> dict:
    """Convert the results to plain numbers: `ratios` and `wall_ratios` over the step by alternative (median, low and high
    quartile), `milliseconds` and `wall_milliseconds`, `peak_memory_mb`, `parts` and `peak_gmacs_a_second`."""
    parts = {
        name: {
            "milliseconds": asdict(Spread.of(part.timing.seconds * 1e3)),
            "gmac": part.macs / 1e9,
            "gmac_a_second": part.macs / 1e9 / max(Spread.of(part.timing.seconds).median, 1e-9),
        }
        for name, part in result.parts.items()
    }
    return {
        "ratios": {name: asdict(spread) for name, spread in result.ratios().items()},
        "wall_ratios": {name: asdict(spread) for name, spread in result.ratios(wall=True).items()},
        "milliseconds": {name: asdict(Spread.of(values * 1e3)) for name, values in result.cpu_seconds.items()},
        "wall_milliseconds": {name: asdict(Spread.of(values * 1e3)) for name, values in result.wall_seconds.items()},
        "peak_memory_mb": {name: count / 1e6 for name, count in result.peak_bytes.items()},
        "parts": parts,
        "peak_gmacs_a_second": result.peaks,
    }


def step_tables(result: StepBenchmark, title: str) -> str:
    """Format the results as Markdown."""
    lines = [
        f"# {title}",
        "",
        "Median and quartiles. `step` is one second of a live stream, 640 x 480 in, mask out; ratios are within a round.",
        "`clip`: the same for all seconds of a clip at once. `naive` and `tpavi`: a clip as the papers describe it.",
        "",
        "| | CPU ms, one thread | over step | wall ms, all threads | over step | peak MB |",
        "|---|---|---|---|---|---|",
    ]
    ratios, wall_ratios = result.ratios(), result.ratios(wall=True)
    for name, seconds in result.cpu_seconds.items():
        wall = result.wall_seconds[name]
        cells = [
            _spread(Spread.of(seconds * 1e3), 1),
            "1" if name == REFERENCE else _spread(ratios[name], 2),
            _spread(Spread.of(wall * 1e3), 1),
            "1" if name == REFERENCE else _spread(wall_ratios[name], 2),
            f"{result.peak_bytes[name] / 1e6:.0f}",
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += ["", "| part of the step | CPU ms | GMAC | GMAC/s |", "|---|---|---|---|"]
    for name, part in result.parts.items():
        spread = Spread.of(part.timing.seconds * 1e3)
        rate = part.macs / 1e6 / max(spread.median, 1e-6)
        lines.append(f"| {name} | {_spread(spread, 2)} | {part.macs / 1e9:.2f} | {rate:.1f} |")
    lines += ["", "This machine at best, GMAC/s of one thread: "]
    lines[-1] += ", ".join(f"{name} {rate:.0f}" for name, rate in result.peaks.items())
    return "\n".join(lines)


def plot_ratios(result: StepBenchmark, path: Path) -> None:
    """Draw the ratios over the step with their quartiles, by CPU time of one thread. Raises OSError."""
    from matplotlib.figure import Figure

    ratios = dict(sorted(result.ratios().items(), key=lambda entry: -entry[1].median))
    places = range(len(ratios))
    medians = [spread.median for spread in ratios.values()]
    errors = [
        [spread.median - spread.low for spread in ratios.values()],
        [spread.high - spread.median for spread in ratios.values()],
    ]
    figure = Figure((6, 1 + 0.35 * len(ratios)), _DOTS_PER_INCH, layout="constrained")
    axes = figure.subplots()
    axes.errorbar(medians, places, xerr=errors, fmt="o", capsize=3)
    axes.axvline(1, color="grey", linewidth=1)
    axes.set_yticks(list(places), list(ratios))
    axes.set_xscale("log")
    axes.set_xlabel("CPU time of one thread over that of one live second")
    with complete_file(path) as partial:
        figure.savefig(partial, format="png", facecolor="white")


def _spread(spread: Spread, digits: int) -> str:
    return f"{spread.median:.{digits}f} [{spread.low:.{digits}f}, {spread.high:.{digits}f}]"
