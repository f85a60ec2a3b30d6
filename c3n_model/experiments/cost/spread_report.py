"""Tables and mappings of timings: medians with their quartiles."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from c3n_model.experiments.cost.benchmark import Comparison, Spread
from c3n_model.experiments.cost.benchmark_loader import LoaderBenchmark


def comparison_table(comparisons: list[Comparison], title: str) -> str:
    """Format the times of both ways of each comparison, and their ratio."""
    lines = [title]
    for comparison in comparisons:
        lines += ["", comparison.name]
        lines += [_row(timing.name, timing.seconds * 1e3, "ms") for timing in (comparison.first, comparison.second)]
        lines.append(_row("ratio, per pair", comparison.ratios, "x"))
    return "\n".join(lines)


def loader_table(result: LoaderBenchmark, title: str) -> str:
    """Format the times of the loader's parts and its throughput, and say whether it keeps up with the training step."""
    return "\n".join(
        [
            title,
            "",
            "time per clip",
            *(_row(timing.name, timing.seconds * 1e3, "ms") for timing in result.parts),
            "",
            "clips per second",
            *(_row(_loader_name(workers), rates, "") for workers, rates in result.loading.items()),
            _row("training step alone", result.batch_size / result.step.seconds, ""),
            "",
            verdict(result),
        ]
    )


def verdict(result: LoaderBenchmark) -> str:
    """Say which loader is as fast as the training step: the one with the fewest processes."""
    ratios = {
        workers: float(np.median(rates)) / result.step_rate for workers, rates in result.loading.items() if workers
    }
    sufficient = [workers for workers, ratio in ratios.items() if ratio >= 1]
    workers = sufficient[0] if sufficient else max(ratios, key=ratios.get)
    throughput = f"{_loader_name(workers)}: {ratios[workers]:.2f} times the throughput of the training step"
    return (
        f"{throughput}; the loader keeps up." if sufficient else f"{throughput} at best; the loader is the bottleneck."
    )


def comparison_mapping(comparison: Comparison) -> dict:
    """Return both times and their ratio, for JSON."""
    first, second = comparison.first, comparison.second
    return {
        "name": comparison.name,
        "milliseconds": {timing.name: _spread(timing.seconds * 1e3) for timing in (first, second)},
        "ratio": _spread(comparison.ratios),
    }


def loader_mapping(result: LoaderBenchmark) -> dict:
    """Return the times and rates, for JSON."""
    return {
        "clips": result.clips,
        "batch_size": result.batch_size,
        "milliseconds_a_clip": {timing.name: _spread(timing.seconds * 1e3) for timing in result.parts},
        "loader_clips_a_second": {str(workers): _spread(rates) for workers, rates in result.loading.items()},
        "step_clips_a_second": _spread(result.batch_size / result.step.seconds),
    }


def _loader_name(workers: int) -> str:
    return "loader, no worker" if workers == 0 else f"loader, {workers} worker{'s' * (workers > 1)}"


def _row(name: str, values: np.ndarray, unit: str) -> str:
    spread = Spread.of(values)
    return f"  {name:<28}{spread.median:>10.2f} {unit:<3}{spread.low:>10.2f} to {spread.high:.2f}".rstrip()


def _spread(values: np.ndarray) -> dict:
    return asdict(Spread.of(values))
