"""Measures the segmentation node with real processes over DDS: at which sizes and rates of images it loses less than 5 %, how long
after the last sample of a window its mask comes, and the CPU it needs, idle and active.

A rate is sustained if fewer than 5 % of the images are lost on the way and fewer than 5 % of the windows get no mask.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from c3n_model.complete_file import complete_file, write_complete
from c3n_ros.rig.isolation import isolated_environment, large_images_profile
from c3n_ros.rig.load_test import process_figures

MOST_LOST = 0.05
SIZES, RATES = ("640x480", "1280x720", "1920x1080", "3840x2160"), (15.0, 30.0, 60.0)


@dataclass(frozen=True)
class Point:
    """The node at one size and rate of images.

    images_lost, windows_lost: fractions; latency_ms: from the last sample of a window to its mask, p50 and p99; cpu_percent: of
    one core; passed_over: fraction of the images that no window needed.
    """

    size: str
    rate_hz: float
    images_lost: float
    windows_lost: float
    passed_over: float
    latency_ms: tuple[float, float] | None
    cpu_percent: float

    @property
    def is_sustained(self) -> bool:
        """Whether less than 5 % of images and of windows were lost."""
        return max(self.images_lost, self.windows_lost) < MOST_LOST


def point_of(size: str, rate_hz: float, hop_s: float, figures: dict[str, Any]) -> Point:
    """Return a point from the figures of `benchmark_listener_node`."""
    images, lost = figures["images"], figures["lost"]
    windows = max(figures["seconds"] / hop_s - 1, 1)  # one at the edges may be outside
    return Point(
        size=size,
        rate_hz=rate_hz,
        images_lost=lost / max(images + lost, 1),
        windows_lost=max(1 - figures["masks"] / windows, figures["windows dropped"] / windows, 0.0),
        passed_over=figures["passed over"] / max(images, 1),
        latency_ms=tuple(figures["latency ms"]) if figures["latency ms"] else None,
        cpu_percent=figures["cpu percent"],
    )


def measure(
    model: str,
    sizes: tuple[str, ...],
    rates: tuple[float, ...],
    seconds: float,
    hop_s: float,
    parameters: Sequence[str] = (),
) -> tuple[float, list[Point]]:
    """Return the CPU of the active node without input, in percent of a core, and the points: of each size the rates, ascending,
    up to the first that is not sustained. `parameters`: further ones of the node, "NAME:=VALUE". Raises RuntimeError if a process
    ends without its figures."""
    given = (f"model:={model}", f"hop_s:={hop_s}", *parameters)
    node = _start("c3n_ros.segmentation_node", "--ros-args", *(word for one in given for word in ("-p", one)))
    sensors: list[subprocess.Popen] = []
    try:
        idle = process_figures("listener", _listener(node, seconds, "--idle"))["cpu percent"]
        sensors.append(_start("c3n_ros.rig.load_test_node", "microphone"))
        points = []
        for size in sizes:
            for rate_hz in sorted(rates):
                sensors.append(_start("c3n_ros.rig.load_test_node", "camera", "--rate", rate_hz, "--size", size))
                points.append(point_of(size, rate_hz, hop_s, process_figures("listener", _listener(node, seconds))))
                _end(sensors.pop())
                if not points[-1].is_sustained:
                    break
        return idle, points
    finally:
        for process in (*sensors, node):
            _end(process)


def highest(points: list[Point]) -> dict[str, float | None]:
    """Return for each size the highest sustained rate in Hz, None if there is none."""
    sizes = dict.fromkeys(point.size for point in points)
    return {
        size: max((each.rate_hz for each in points if each.size == size and each.is_sustained), default=None)
        for size in sizes
    }


def table(model: str, hop_s: float, idle_percent: float, points: list[Point], parameters: Sequence[str] = ()) -> str:
    """Return the results as Markdown."""
    lines = [
        f"{', '.join([model, *parameters])}, a window every {hop_s:g} s; CPU of the active node without input: {idle_percent:.1f} % of a core",
        "",
        "| size | images per second | images lost | windows lost | passed over | latency p50 / p99 | CPU, % of a core |",
        "|---|---|---|---|---|---|---|",
    ]
    for point in points:
        latency = " / ".join(f"{each:.0f}" for each in point.latency_ms) + " ms" if point.latency_ms else "no mask"
        lines.append(
            f"| {point.size} | {point.rate_hz:g} | {point.images_lost:.1%} | {point.windows_lost:.1%} | {point.passed_over:.0%} | "
            f"{latency} | {point.cpu_percent:.1f} |"
        )
    said = [f"{size}: {f'{rate:g} Hz' if rate else 'none'}" for size, rate in highest(points).items()]
    return "\n".join([*lines, "", f"Highest rate with less than {MOST_LOST:.0%} lost: {', '.join(said)}"])


def plot(points: list[Point], idle_percent: float, path: Path) -> None:
    """Draw CPU and latency over the rate, one line a size. Raises OSError."""
    from matplotlib.figure import Figure

    figure = Figure((9, 3.5), 120, layout="constrained")
    cpu, latency = figure.subplots(1, 2)
    for size in dict.fromkeys(point.size for point in points):
        of_size = [point for point in points if point.size == size]
        cpu.plot([point.rate_hz for point in of_size], [point.cpu_percent for point in of_size], "o-", label=size)
        heard = [point for point in of_size if point.latency_ms]
        latency.plot([point.rate_hz for point in heard], [point.latency_ms[1] for point in heard], "o-", label=size)
    cpu.axhline(idle_percent, color="grey", linewidth=1)
    cpu.set_ylabel("CPU, % of a core (grey: no input)")
    latency.set_ylabel("p99 from the last sample to the mask, ms")
    for axes in (cpu, latency):
        axes.set_xlabel("images per second")
        axes.set_ylim(bottom=0)
        axes.legend()
    with complete_file(path) as partial:
        figure.savefig(partial, format="png", facecolor="white")


def _listener(node: subprocess.Popen, seconds: float, *options: str) -> subprocess.Popen:
    arguments = ("--process", node.pid, "--seconds", seconds, *options)
    return _start("c3n_ros.rig.benchmark_listener_node", *arguments)


def _start(module: str, *arguments: object) -> subprocess.Popen:
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=isolated_environment(**large_images_profile())
    )


def _end(process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGINT)
    process.communicate()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--model", default="demo", help="the node's parameter model (default %(default)s)")
    parser.add_argument("--hop", type=float, default=1.0, help="seconds between windows (default %(default)s)")
    parser.add_argument("--sizes", nargs="+", default=SIZES, metavar="WIDTHxHEIGHT", help=f"default {' '.join(SIZES)}")
    parser.add_argument("--rates", nargs="+", type=float, default=RATES, metavar="HZ", help="default 15 30 60")
    parser.add_argument(
        "--seconds", type=float, default=10.0, help="duration of each measurement (default %(default)s)"
    )
    parser.add_argument(
        "--parameters",
        nargs="+",
        type=_parameter,
        default=(),
        metavar="NAME:=VALUE",
        help="further parameters of the node, such as compare_motion:=true max_sources:=2",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers to FILE")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table to FILE, too")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write a picture to FILE (png)")


def _parameter(text: str) -> str:
    from c3n_ros.segmentation.segmentation_parameters import SegmentationParameters  # imports torch

    name, given, value = text.partition(":=")
    known = {field.name for field in fields(SegmentationParameters)}
    if not given or not value or name not in known - {"model", "hop_s"}:
        raise argparse.ArgumentTypeError(
            f"expected NAME:=VALUE of a parameter of the node (model and hop_s are --model and --hop), got {text!r}"
        )
    return text


def main() -> None:
    """Measure, write what was asked for, and print the table; exit with 1 and one line if a process failed."""
    parser = argparse.ArgumentParser(prog="c3n benchmark node", description=__doc__)
    add_arguments(parser)
    options = parser.parse_args()
    try:
        idle, points = measure(
            options.model, tuple(options.sizes), tuple(options.rates), options.seconds, options.hop, options.parameters
        )
    except RuntimeError as error:
        sys.exit(f"benchmark failed: {error}")
    text = table(options.model, options.hop, idle, points, options.parameters)
    if options.json:
        about = {
            "model": options.model,
            "hop_s": options.hop,
            "parameters": list(options.parameters),
            "cpu_percent_idle": idle,
            "highest_rate_hz": highest(points),
        }
        write_complete(options.json, json.dumps(about | {"points": list(map(asdict, points))}, indent=2) + "\n")
    if options.markdown:
        write_complete(options.markdown, text + "\n")
    if options.plot:
        plot(points, idle, options.plot)
    print(text)


if __name__ == "__main__":
    main()
