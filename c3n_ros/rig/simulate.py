"""Simulates a robot that turns towards sounds. `make simulate` runs this in the workspace.

out/simulate/report.json    how many runs faced the sound in time, and how well
out/simulate/simulate.png   the facing error after every change of source, and some runs
out/simulate/simulate.mp4   the first run: camera view, sound and heading
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from c3n_model.loading import load_model
from c3n_model.progress import Progress, bar
from c3n_model.streaming.session import Session
from c3n_ros.rig.simulated_room import PHASE_S, REACH, make_room
from c3n_ros.rig.simulated_run import SETTLE_S, Change, Run, drive
from c3n_ros.rig.simulation_pictures import draw_runs, film_run

RUNS = 50


def main() -> None:
    """Run the simulation; exit with 1 and one line if it fails."""
    parser = argparse.ArgumentParser(prog="python -m c3n_ros.rig.simulate", description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--out", type=Path, default=Path("out/simulate"), help="folder (default %(default)s)")
    parser.add_argument("--runs", type=int, default=RUNS, help="number of seeded rooms (default %(default)s)")
    parser.add_argument("--first-room", type=int, default=0, help="seed of the first room (default %(default)s)")
    arguments = parser.parse_args()
    try:
        report = simulate(arguments.out, arguments.runs, arguments.first_room, progress=bar)
    except (ValueError, OSError) as error:
        sys.exit(f"simulation failed: {error}")
    errors = report["facing_error_deg"]
    print(
        f"{report['settled_within_5s']} of {report['runs']} runs faced the sound within {SETTLE_S} s of each change; "
        f"facing error {errors['median']:.1f} degrees (median), {errors['p95']:.1f} (95th percentile)\n"
        f"report, plot and video in {arguments.out}"
    )


def simulate(out: Path, runs: int, first_room: int = 0, *, progress: Progress) -> dict:
    """Simulate `runs` rooms with seeds from `first_room` on; write report, simulate.png and simulate.mp4 to `out` and return the
    report.

    Raises ValueError for less than one run, or a negative seed.
    """
    if runs < 1:
        raise ValueError(f"expected at least 1 run, got {runs}")
    if first_room < 0:
        raise ValueError(f"expected a first room of at least 0, got {first_room}")
    session = Session(load_model("demo"), "cpu")
    driven = []
    for seed in progress(range(first_room, first_room + runs), "simulate"):
        run = drive(make_room(seed), session, start_heading(seed))
        driven.append(
            replace(run, results=()) if driven else run
        )  # only the first is filmed: all masks would need much memory
    report = make_report(driven)
    report |= {"first_room": first_room, "note": session.model.card.get("note", "")}
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    draw_runs(driven, out / "simulate.png")
    film_run(driven[0], out / "simulate.mp4")
    return report


def start_heading(seed: int) -> float:
    """Return the initial heading, radians."""
    return float(np.random.default_rng([seed, 18]).uniform(-REACH, REACH))


def make_report(runs: list[Run]) -> dict:
    """Return the report. A run has settled if after each change, from five seconds on until the next one, it faced the sound."""
    changes = [change for run in runs for change in run.changes]
    errors = [change.error_deg for change in changes]
    return {
        "runs": len(runs),
        "settled_within_5s": sum(all(change.settled_s <= SETTLE_S for change in run.changes) for run in runs),
        "facing_error_deg": {"median": _rounded(np.median(errors)), "p95": _rounded(np.percentile(errors, 95))},
        "changes": _count(changes),
        "in_view_at_first": _count([change for change in changes if change.in_view]),
        "out_of_view_at_first": _count([change for change in changes if not change.in_view]),
        "median_settling_time_s": _rounded(np.median([min(change.settled_s, PHASE_S) for change in changes])),
        "outcomes": [[_outcome(change) for change in run.changes] for run in runs],
    }


def _outcome(change: Change) -> dict:
    return {
        "at_first_deg": _rounded(change.errors[0]),
        "after_5s_deg": _rounded(change.error_deg),
        "settled_s": _rounded(change.settled_s) if change.settled_s < PHASE_S else None,
    }


def _count(changes: list[Change]) -> dict:
    return {"settled": sum(change.settled_s <= SETTLE_S for change in changes), "of": len(changes)}


def _rounded(value: float) -> float:
    return round(float(value), 2)


if __name__ == "__main__":
    main()
