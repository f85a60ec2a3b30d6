"""Figures of simulated runs: a plot of all runs, and a video of one."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from c3n_model.pictures.overlay import draw_overlay
from c3n_model.sources.video_writer import VideoWriter
from c3n_model.synthetic import world
from c3n_model.types import NANOSECONDS_PER_SECOND, AudioChunk, Frame
from c3n_ros.rig.simulated_room import FIELD_OF_VIEW, FOCAL_LENGTH, WIDTH, column_of
from c3n_ros.rig.simulated_run import FACING_DEG, SETTLE_S, TICK_NS, Run

_EXAMPLES = 3
_SETTLED_COLOUR, _LATE_COLOUR, _SOURCE_COLOUR = "#3b7dbf", "#e07b00", "#3a9a5b"
_ROBOT_RGB, _SOURCE_RGB = (255, 235, 60), (40, 220, 90)


def draw_runs(runs: list[Run], path: Path) -> None:
    """Write a PNG: the facing error after every change of source, and the headings of the first runs."""
    figure = Figure((13, 8), 100, layout="constrained")
    FigureCanvasAgg(figure)
    upper, lower = figure.subfigures(2, 1, height_ratios=(1.2, 1))
    _draw_errors(upper.subplots(), runs)
    examples = runs[:_EXAMPLES]
    for number, (axes, run) in enumerate(zip(lower.subplots(1, len(examples), squeeze=False)[0], examples)):
        _draw_headings(axes, run)
        axes.set_title(f"run {number}", fontsize=10)
    figure.savefig(path, facecolor="white")


def _draw_errors(axes: Axes, runs: list[Run]) -> None:
    changes = [change for run in runs for change in run.changes]
    settled = sum(change.settled_s <= SETTLE_S for change in changes)
    for change in changes:
        colour = _SETTLED_COLOUR if change.settled_s <= SETTLE_S else _LATE_COLOUR
        axes.plot(_seconds(change.errors), change.errors, color=colour, linewidth=0.9, alpha=0.6)
    axes.axhline(FACING_DEG, color="black", linewidth=0.8, linestyle="--")
    axes.axvline(SETTLE_S, color="black", linewidth=0.8, linestyle="--")
    axes.set(xlabel="seconds since the change of source", ylabel="facing error, degrees", ylim=(0, 155))
    axes.set_title(
        f"{len(runs)} runs, {len(changes)} changes of source: {settled} below {FACING_DEG:.0f} degrees within "
        f"{SETTLE_S} s and until the next change (blue), {len(changes) - settled} not (orange)"
    )


def _draw_headings(axes: Axes, run: Run) -> None:
    headings = np.degrees(run.headings)
    sources = headings + run.errors
    half_view = math.degrees(FIELD_OF_VIEW) / 2
    seconds = _seconds(headings)
    axes.fill_between(seconds, headings - half_view, headings + half_view, color=_SETTLED_COLOUR, alpha=0.15, lw=0)
    axes.plot(seconds, headings, color=_SETTLED_COLOUR, label="robot and its view")
    axes.plot(seconds, sources, color=_SOURCE_COLOUR, linewidth=2.5, alpha=0.8, label="source")
    axes.set(xlabel="seconds", ylabel="heading, degrees (left +)", ylim=(-115, 115))
    axes.legend(loc="lower right", fontsize=8)


def _seconds(values: np.ndarray) -> np.ndarray:
    return np.arange(len(values)) * TICK_NS / NANOSECONDS_PER_SECOND


def film_run(run: Run, path: Path) -> None:
    """Write a run as mp4 with sound: the robot's view and the newest segmented image, below them the room with view and source."""
    waiting, shown = list(run.results), None
    samples = world.SAMPLE_RATE * TICK_NS // NANOSECONDS_PER_SECOND
    with VideoWriter(path) as video:
        for tick, heading in enumerate(run.headings):
            while waiting and waiting[0][0] <= tick:
                shown = waiting.pop(0)[1]
            view = run.room.view(heading)
            segmented = np.zeros_like(view)
            if shown is not None:
                segmented = draw_overlay(run.room.view(run.headings[shown.stamp_ns // TICK_NS]), shown)
            picture = np.vstack([np.hstack([view, segmented]), _map(run, tick, 2 * view.shape[1])])
            video.write(Frame(picture, tick * TICK_NS))
            sound = run.room.sound[tick * samples : (tick + 1) * samples, None]
            video.write(AudioChunk(sound, world.SAMPLE_RATE, tick * TICK_NS))


def _map(run: Run, tick: int, width: int) -> np.ndarray:
    """Return the room's panorama with the view framed, the source marked, and the facing error as text."""
    picture, heading, error = run.room.panorama.copy(), run.headings[tick], run.errors[tick]
    height, centre, half = picture.shape[0], round(column_of(heading)), WIDTH // 2
    cv2.rectangle(picture, (centre - half, 2), (centre + half, height - 3), _ROBOT_RGB, 3)
    cv2.line(picture, (centre, 0), (centre, height), _ROBOT_RGB, 2)
    text = "silence"
    if not math.isnan(error):
        source = round(column_of(heading) - math.radians(error) * FOCAL_LENGTH)
        cv2.line(picture, (source, 0), (source, height), _SOURCE_RGB, 4)
        label = world.SOUNDS[run.room.source(tick * TICK_NS / NANOSECONDS_PER_SECOND).label]
        text = f"{label}: {abs(error):.0f} degrees"
    picture = cv2.resize(picture, (width, round(height * width / picture.shape[1])), interpolation=cv2.INTER_AREA)
    strip = np.full((28, width, 3), 24, np.uint8)
    text = f"{tick * TICK_NS / NANOSECONDS_PER_SECOND:5.1f} s   {text}"
    cv2.putText(strip, text, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (255, 255, 255), 1, cv2.LINE_AA)
    return np.vstack([picture, strip])
