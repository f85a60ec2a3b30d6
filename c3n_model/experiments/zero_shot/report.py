"""Write the benchmark's results to a folder: bench.json, bench.html, and a page with pictures for each configuration."""

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
    """Write all files to `out`, creating it. `about`: command, split, device, pictures, sounds, cutouts, left_out.

    Raises:
        OSError: a file that cannot be written.
        ValueError: a number that is not finite.
    """
    out.mkdir(parents=True, exist_ok=True)
    results = {**about, "settings": {setting.name: setting.figures for setting in measured}}
    write_complete(out / BENCH_JSON, json.dumps(results, indent=2, allow_nan=False) + "\n")
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
    write_complete(out / BENCH_PAGE, render(results, measured))


def render(results: dict, measured: list[Measured]) -> str:
    """Render bench.html: every row for each configuration, with links to the pages with pictures."""
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
    return page.render(results=results, sheets=sheets, page=PAGE)


def summary(results: dict[str, dict]) -> str:
    """Format the rows of every configuration for a terminal."""
    lines = []
    for name, figures in results.items():
        wall, cpu = figures["median_ms_per_mask"], figures["median_cpu_ms_per_mask"]
        lines.append(name + (f": {wall:.0f} ms per mask, {cpu:.0f} ms of CPU time" if wall is not None else ""))
        lines.append(f"  {'row':22}{'scenes':>7}{'pictures':>9}  {'IoU':6}{'95 %':15}  {'painted':7}{'95 %':15}  named")
        for row, values in figures["rows"].items():
            lines.append(
                f"  {row:22}{values['scenes']:>7}{values['pictures']:>9}  {figure(values['iou']):6}"
                f"{interval(values['iou_95']):15}  {figure(values['painted']):7}{interval(values['painted_95']):15}  "
                f"{figure(values['named'])}"
            )
        wrong, lingering, switching = figures["painted_wrong"], figures["lingering"], figures["switching"]
        lines.append(
            f"  wrong masks: in {wrong['wrong']} scenes, {percent(wrong['people_fraction'])} of them labelled as a person"
        )
        lines.append(
            f"  after a sound stops, its mask stays for {figure(lingering['mean_s'])} s (mean of "
            f"{lingering['painted_streams']} streams, median {figure(lingering['median_s'])} s)"
        )
        lines.append(
            f"  after a switch, the new source is named within 2 s in {percent(switching['within_2_s'])} of the "
            f"{switching['named_alone']} streams in which it is named when it sounds alone (of {switching['streams']} streams)"
        )
    return "\n".join(lines)


def figure(value: float | int | None) -> str:
    """Format a number: integers unchanged, others with three decimals, None (nothing to average) as a dash."""
    return "–" if value is None else str(value) if isinstance(value, int) else f"{value:.3f}"


def percent(value: float | None) -> str:
    """Format a fraction in percent, None as a dash."""
    return "–" if value is None else f"{value:.0%}"


def interval(bounds: tuple[float, float] | None) -> str:
    """Format a 95 % interval, None as an empty string."""
    return f"[{bounds[0]:.2f}, {bounds[1]:.2f}]" if bounds else ""


def _caption(row: dict) -> str:
    label = f"{row['audio']} ~ {row['visual']}" if row["published"] else "no mask"
    return f"{row['second']} s: {label}"
