"""Write the evaluation of a bag into a folder: report.json (all of it) and report.html (one file, nothing from outside)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from c3n_model.complete_file import write_complete
from c3n_model.scoring.evaluate_bag import SeenWindow
from c3n_model.scoring.report.gallery import data_uri
from c3n_model.scoring.report.page import figure, fill_template

SHOWN = 24  # pictures in the page

# Key of a section of the report -> name, and what it means.
NUMBERS = {
    "mask_iou": ("mask IoU", "mean over windows in which something in view sounds"),
    "label_accuracy": ("labels right", "of the sounding windows whose labels are known"),
    "silent_false_positives": ("painted in silence", "silent windows with any mask pixel"),
    "silent_windows": ("silent windows", ""),
    "sounding_windows": ("sounding windows", "something in view sounds"),
    "scored_windows": ("scored windows", "those with a truth"),
    "windows": ("windows", ""),
    "seconds_without_window": ("seconds without a window", "picture or sound was missing"),
    "dropped_windows": ("dropped windows", "a newer one was ready"),
    "live_offline_windows": ("same windows", "start and frame agree"),
    "only_live_windows": ("only live", "windows"),
    "only_offline_windows": ("only offline", "windows"),
    "identical_masks": ("identical masks", "of the same windows"),
    "same_labels": ("same labels", "of the same windows"),
    "live_offline_iou": ("IoU live to offline", "mean over the same windows"),
    "live_offline_lowest_iou": ("lowest IoU live to offline", ""),
}
SECTIONS = {"offline": "Offline", "live": "Live", "live_and_offline": "Live against offline"}


def write_bag_report(out: Path, report: dict[str, Any], windows: list[SeenWindow]) -> str:
    """Both files into `out`, which is made; returns the numbers as text. Raises OSError where a file cannot be written."""
    out.mkdir(parents=True, exist_ok=True)
    write_complete(out / "report.json", json.dumps(report, indent=2, allow_nan=False) + "\n")
    write_complete(out / "report.html", render(report, windows))
    return "\n".join([*report["notes"], *as_text(report), f"wrote {out / 'report.json'}, {out / 'report.html'}"])


def as_text(report: dict[str, Any]) -> list[str]:
    """A line for each number of each section."""
    lines = []
    for section, title in SECTIONS.items():
        if section in report:
            lines += [f"{title}:"] + [
                f"  {NUMBERS[key][0]:<28}{figure(value)}" for key, value in numbers(report[section])
            ]
    latency = report.get("live", {}).get("latency_ms")
    if latency:
        lines.append(
            "  latency, ms                 " + ", ".join(f"{key} {value:.0f}" for key, value in latency.items())
        )
    return lines


def numbers(section: dict[str, Any]) -> list[tuple[str, Any]]:
    """The known numbers of a section in the order in which people ask for them."""
    return [(key, section[key]) for key in NUMBERS if key in section]


def render(report: dict[str, Any], windows: list[SeenWindow]) -> str:
    """The page. Pictures: all windows, or the `SHOWN` that agree least where there are more."""
    rows = report["windows"]
    order = sorted(range(len(rows)), key=lambda index: _agreement(rows[index]))[:SHOWN]
    shown = [(rows[index], data_uri(windows[index].picture)) for index in sorted(order)]
    begin_ns = rows[0]["window_start_ns"]
    return fill_template(
        "bag.html.jinja", {"second": lambda row: f"{(row['window_start_ns'] - begin_ns) / 1e9:g} s"},
        report=report, sections=SECTIONS, numbers=numbers, names=NUMBERS, shown=shown, all_shown=len(shown) == len(rows),
    )  # fmt: skip


def _agreement(row: dict[str, Any]) -> float:
    known = [row[key] for key in ("iou", "live_offline_iou") if row.get(key) is not None]
    return min(known, default=1.0)
