"""Write the evaluation of a bag to a folder: report.json (all results) and report.html (one self-contained file)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from c3n_model.complete_file import write_complete
from c3n_model.scoring.evaluate_bag import OfflineWindow
from c3n_model.scoring.report.gallery import data_uri
from c3n_model.scoring.report.page import figure, fill_template

SHOWN = 24  # pictures on the page

# Key in a section of the report -> (name, explanation).
NUMBERS = {
    "mask_iou": ("mask IoU", "mean over sounding windows"),
    "label_accuracy": ("label accuracy", "over sounding windows with known labels"),
    "silent_false_positives": ("false positives in silence", "silent windows with any mask pixel"),
    "silent_windows": ("silent windows", ""),
    "sounding_windows": ("sounding windows", "with a sounding object in view"),
    "scored_windows": ("scored windows", "with ground truth"),
    "windows": ("windows", ""),
    "seconds_without_window": ("seconds without a window", "frames or sound were missing"),
    "dropped_windows": ("dropped windows", "skipped for a newer one"),
    "live_offline_windows": ("matching windows", "with equal start and frame"),
    "only_live_windows": ("live-only windows", ""),
    "only_offline_windows": ("offline-only windows", ""),
    "identical_masks": ("identical masks", "in matching windows"),
    "same_labels": ("identical labels", "in matching windows"),
    "live_offline_iou": ("live-offline IoU", "mean over matching windows"),
    "live_offline_lowest_iou": ("lowest live-offline IoU", ""),
}
SECTIONS = {"offline": "Offline", "live": "Live", "live_and_offline": "Live vs. offline"}


def write_bag_report(out: Path, report: dict[str, Any], windows: list[OfflineWindow]) -> str:
    """Write both files to `out`, creating it; return the numbers as text. Raises OSError if a file cannot be written."""
    out.mkdir(parents=True, exist_ok=True)
    write_complete(out / "report.json", json.dumps(report, indent=2, allow_nan=False) + "\n")
    write_complete(out / "report.html", render(report, windows))
    return "\n".join([*report["notes"], *as_text(report), f"wrote {out / 'report.json'}, {out / 'report.html'}"])


def as_text(report: dict[str, Any]) -> list[str]:
    """Format the numbers of each section, one line each."""
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
    """List the numbers of a section, the most important first."""
    return [(key, section[key]) for key in NUMBERS if key in section]


def render(report: dict[str, Any], windows: list[OfflineWindow]) -> str:
    """Render the page with pictures of all windows, or of the `SHOWN` with the lowest IoU if there are more."""
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
