"""Tests the node under load: a 1080p camera, a 48 kHz stereo microphone and the node as separate processes, over DDS.

The node's network is slowed down, to verify that slow inference does not block input. The report has CPU and memory in every
state, durations of the node's callbacks, losses and queue lengths.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
from typing import Any

from c3n_ros.rig.isolation import isolated_environment, large_images_profile


def main() -> None:
    """Run the test and print the report as JSON; exit with 1 and one line if a process failed."""
    parser = argparse.ArgumentParser(prog="python -m c3n_ros.rig.load_test", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0, help="how long to measure (default %(default)s)")
    parser.add_argument(
        "--pause",
        type=float,
        default=3.0,
        help="seconds added to the network's time per window (default %(default)s)",
    )
    parser.add_argument("--rate", type=float, default=30.0, help="images per second (default %(default)s)")
    parser.add_argument("--model", default="demo", help="the node's parameter model (default %(default)s)")
    arguments = parser.parse_args()
    try:
        print(json.dumps(run(arguments.seconds, arguments.pause, arguments.rate, arguments.model), indent=2))
    except RuntimeError as error:
        sys.exit(f"load test failed: {error}")


def run(seconds: float, pause_s: float, images_per_s: float = 30.0, model: str = "demo") -> dict[str, Any]:
    """Return the report. Raises RuntimeError if a process ends without its figures."""
    sensors = [_start("camera", "--rate", images_per_s), _start("microphone")]
    try:
        node = _start("segmentation", "--seconds", seconds, "--pause", pause_s, "--ros-args", "-p", f"model:={model}")
        report = process_figures("segmentation", node)
    finally:
        for sensor in sensors:
            sensor.send_signal(signal.SIGINT)
    for role, sensor in zip(("camera", "microphone"), sensors, strict=True):
        report |= process_figures(role, sensor)
    return report


def _start(role: str, *arguments: object) -> subprocess.Popen:
    command = [sys.executable, "-m", "c3n_ros.rig.load_test_node", role, *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=isolated_environment(**large_images_profile())
    )


def process_figures(role: str, process: subprocess.Popen) -> dict[str, Any]:
    """Return what a process prints in its last line, once it has ended. Raises RuntimeError if it failed; `role` is its name."""
    output, _ = process.communicate()
    lines = output.strip().splitlines()
    if process.returncode != 0 or not lines:
        raise RuntimeError(f"{role} ended with {process.returncode} and printed no figures; see its output above")
    return json.loads(lines[-1])


if __name__ == "__main__":
    main()
