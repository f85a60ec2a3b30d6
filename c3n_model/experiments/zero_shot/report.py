"""The bench's results in a folder: bench.json, bench.html, and a page with pictures for each setting."""

from __future__ import annotations

import json
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from c3n_model.complete_file import write_complete
from c3n_model.experiments.zero_shot.bench import Measured
from c3n_model.pictures.overlay import contact_sheet
from c3n_model.scoring.evaluation import PAGE
from c3n_model.scoring.report.gallery import data_uri
from c3n_model.scoring.report.page import write_report

BENCH_JSON, BENCH_PAGE = "bench.json", "bench.html"


def write_bench(out: Path, about: dict, measured: list[Measured]) -> None:
    """Write everything into `out`, which is made. `about`: command, split, pictures, sounds, cutouts, left_out.

    Raises:
        OSError: a file that cannot be written. ValueError: a number that is not finite.
    """
    out.mkdir(parents=True, exist_ok=True)
    found = {**about, "settings": {setting.name: setting.figures for setting in measured}}
    write_complete(out / BENCH_JSON, json.dumps(found, indent=2, allow_nan=False) + "\n")
    for setting in measured:
        described = {
            "command": about["command"],
            "model": setting.figures["model"],
            "split": about["split"],
            "gated": True,
            "device": about["device"],
        }
        if setting.evaluations:
            write_report(out / setting.name, described, setting.evaluations, setting.galleries, batch_size=1)
    write_complete(out / BENCH_PAGE, render(found, measured))


def render(found: dict, measured: list[Measured]) -> str:
    """Render bench.html: every row, side by side for all settings; the pages with pictures are linked."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"figure": figure, "interval": interval, "percent": percent}
    sheets = {
        setting.name: [
            (
                recording,
                data_uri(contact_sheet(recording.pictures, [_caption(row) for row in recording.rows], columns=5)),
            )
            for recording in setting.recordings
        ]
        for setting in measured
    }
    page = environment.get_template("bench.html.jinja")
    return page.render(found=found, sheets=sheets, page=PAGE)


def summary(found: dict[str, dict]) -> str:
    """Format the rows of every setting for a terminal: published masks only."""
    lines = []
    for name, figures in found.items():
        cost = figures["median_ms_per_mask"]
        lines.append(f"{name}" + (f": {cost:.0f} ms per mask" if cost is not None else ""))
        lines.append(f"  {'row':22}{'scenes':>7}{'pictures':>9}  {'IoU':6}{'95 %':15}  {'painted':7}{'95 %':15}  named")
        for row, values in figures["rows"].items():
            lines.append(
                f"  {row:22}{values['scenes']:>7}{values['pictures']:>9}  {figure(values['iou']):6}"
                f"{interval(values['iou_95']):15}  {figure(values['painted']):7}{interval(values['painted_95']):15}  "
                f"{figure(values['named'])}"
            )
        wrong, stays, comes = figures["painted_wrong"], figures["lingering"], figures["switching"]
        lines.append(
            f"  painted wrong: {wrong['wrong']} scenes, {percent(wrong['people_fraction'])} of them as a person"
        )
        lines.append(
            f"  a stopped sound's mask stays {figure(stays['mean_s'])} s (mean of {stays['painted_streams']} streams, "
            f"median {figure(stays['median_s'])})"
        )
        lines.append(
            f"  a new source is named within 2 s in {percent(comes['within_2_s'])} of {comes['named_alone']} streams in which "
            f"it is ever named alone (of {comes['streams']})"
        )
    return "\n".join(lines)


def figure(value: float | int | None) -> str:
    """Whole numbers as they are, others with three decimals; a dash where there was nothing to average."""
    return "–" if value is None else str(value) if isinstance(value, int) else f"{value:.3f}"


def percent(value: float | None) -> str:
    """A fraction as whole per cent, or a dash."""
    return "–" if value is None else f"{value:.0%}"


def interval(bounds: tuple[float, float] | None) -> str:
    """A 95 % interval, or nothing."""
    return f"[{bounds[0]:.2f}, {bounds[1]:.2f}]" if bounds else ""


def _caption(row: dict) -> str:
    found = f"{row['audio']} ~ {row['visual']}" if row["published"] else "no mask"
    return f"{row['second']} s: {found}"
