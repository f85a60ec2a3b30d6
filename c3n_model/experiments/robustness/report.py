"""Writes the robustness bench: robustness.json, robustness.md with a table per setting, and robustness.png."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from c3n_model.complete_file import complete_file, write_complete
from c3n_model.experiments.robustness.bench import GATED, NETWORK, Scores, global_metrics
from c3n_model.experiments.robustness.conditions import NEGATIVE, Condition

JSON, PAGE, PLOT = "robustness.json", "robustness.md", "robustness.png"
Table = dict[str, dict[str, Scores | None]]
_COLOURS = {NETWORK: "#b9b9b9", GATED: "#3b76af"}
_DOTS_PER_INCH = 110


def write_robustness(
    out: Path, about: dict[str, Any], every: list[Condition], tables: dict[str, Table]
) -> dict[str, Any]:
    """Write all files to `out`, creating it; return what robustness.json holds. `tables` are by setting, as `measure` returns them.

    Raises OSError for a file that cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    results = {
        **about,
        "settings": {
            setting: {
                "global": {kind: global_metrics(table, every, kind) for kind in (NETWORK, GATED)},
                "conditions": {name: {k: s and asdict(s) for k, s in pair.items()} for name, pair in table.items()},
            }
            for setting, table in tables.items()
        },
    }
    write_complete(out / JSON, json.dumps(results, indent=2, allow_nan=False) + "\n")
    write_complete(out / PAGE, render(results, every, tables))
    plot(out / PLOT, every, tables)
    return results


def render(results: dict[str, Any], every: list[Condition], tables: dict[str, Table]) -> str:
    """Return robustness.md."""
    lines = ["# Robustness", "", f"`{results['command']}`", ""]
    lines += [
        "G-mIoU, G-F, FPR: AVSBench-Robust's global metrics, see `c3n_model/experiments/robustness/bench.py`. FPR is the mean"
    ]
    lines += [
        "fraction of a frame's pixels that are predicted with a sound without a source in view. Each cell: the network / as published,"
    ]
    lines += ["with the gates for presence and visibility.", ""]
    lines += ["| setting | G-mIoU | G-F | FPR | frames painted |", "|---|---|---|---|---|"]
    for setting, part in results["settings"].items():
        values = part["global"]
        cells = [_cell(values[NETWORK][name], values[GATED][name]) for name in values[NETWORK]] or ["-"] * 4
        lines.append(f"| {setting.upper()} | {' | '.join(cells)} |")
    for setting, table in tables.items():
        lines += ["", f"## {setting.upper()}", ""]
        lines += ["| condition | group | clips | mIoU | F | mIoU of sounding frames | frames painted | area |"]
        lines += ["|---|---|---|---|---|---|---|---|"]
        lines += [_row(condition, table[condition.name]) for condition in every]
    lines += [
        "",
        "Negative: mIoU and F are computed with the masks of the objects that are silent now, so lower is better.",
        "",
    ]
    return "\n".join(lines)


def _row(condition: Condition, pair: dict[str, Scores | None]) -> str:
    network, gated = pair[NETWORK], pair[GATED]
    if network is None or gated is None:
        return f"| {condition.name} | {condition.group} | 0 | not measured: the classes in view are unknown | | | | |"
    names = ("miou", "fscore", "miou_sounding", "painted", "area")
    cells = " | ".join(_cell(getattr(network, name), getattr(gated, name)) for name in names)
    return f"| {condition.name} | {condition.group} | {network.clips} | {cells} |"


def _cell(first: float | None, second: float | None) -> str:
    return " / ".join("-" if value is None else f"{value:.3f}" for value in (first, second))


def plot(path: Path, every: list[Condition], tables: dict[str, Table]) -> None:
    """Draw mIoU under clean input and faults, and painted frames under negative conditions; one row of panels per setting."""
    negative = [condition.name for condition in every if condition.group == NEGATIVE]
    other = [condition.name for condition in every if condition.group != NEGATIVE]
    with matplotlib.rc_context({"text.parse_math": False, "font.size": 8, "axes.titlesize": 9}):
        figure = Figure((11, 2.8 * len(tables) + 0.4), _DOTS_PER_INCH, layout="constrained")
        panels = figure.subplots(len(tables), 2, squeeze=False, width_ratios=(len(other), len(negative) + 1))
        for axes, (setting, table) in zip(panels, tables.items(), strict=True):
            _bars(axes[0], f"{setting.upper()}: mIoU of sounding frames", other, table, "miou_sounding")
            _bars(axes[1], "frames painted without a source", negative, table, "painted")
        figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside upper right", ncols=2, frameon=False)
        with complete_file(path) as partial:
            figure.savefig(partial, format="png", facecolor="white")


def _bars(axes, title: str, names: list[str], table: Table, value: str) -> None:
    places = np.arange(len(names))
    for offset, kind in ((-0.2, NETWORK), (0.2, GATED)):
        heights = [getattr(scores, value) if (scores := table[name][kind]) is not None else np.nan for name in names]
        heights = [np.nan if height is None else height for height in heights]
        axes.bar(places + offset, heights, 0.38, color=_COLOURS[kind], label=kind)
    axes.set(title=title, ylim=(0, 1))
    axes.set_xticks(places, names, rotation=40, ha="right")
    axes.grid(axis="y", color="#e5e5e5")
    axes.set_axisbelow(True)
