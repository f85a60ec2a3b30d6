"""Listens to a segmentation node for `c3n_ros.rig.node_benchmark` and prints one line of JSON: its masks, losses and CPU time."""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node

from c3n_model.messages.stamps import total_nanoseconds
from c3n_model.types import NANOSECONDS_PER_SECOND
from c3n_ros.msg import SoundingObjects
from c3n_ros.run_node import LONGEST_WAIT_S, run, spin

TIMEOUT_S = 120.0


class Listener(Node):
    """Keeps the node's newest statuses, and the time from the last sample of each window to its mask."""

    def __init__(self) -> None:
        super().__init__("benchmark_listener")
        self.statuses: dict[str, dict[str, str]] = {}
        self.latencies_s: list[float] = []
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)
        self.create_subscription(SoundingObjects, "sounding_object/objects", self._on_objects, 10)

    @property
    def counts(self) -> dict[str, int]:
        """What the node has counted so far; empty before its first status."""
        camera, node = self.statuses.get("camera", {}), self.statuses.get("node", {})
        if "dropped windows" not in node or "images" not in camera:
            return {}
        names = {"images": camera["images"], "passed over": camera["passed over"], "lost": camera["lost"]}
        return {name: int(text) for name, text in (names | {"windows dropped": node["dropped windows"]}).items()}

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            name = status.name.rpartition(": ")[2]
            self.statuses[name] = {value.key: value.value for value in status.values}

    def _on_objects(self, message: SoundingObjects) -> None:
        end_ns = stamp_ns(message.window_start) + NANOSECONDS_PER_SECOND
        self.latencies_s.append((time.time_ns() - end_ns) / NANOSECONDS_PER_SECOND)


def stamp_ns(message: Any) -> int:
    """Return the nanoseconds of a builtin_interfaces/Time."""
    return total_nanoseconds(message.sec, message.nanosec)


def cpu_s(process: int) -> float:
    """Return the CPU time of a process and its ended children, in seconds. Linux."""
    return sum(map(int, _status_fields(process)[11:15])) / os.sysconf("SC_CLK_TCK")


def has_ended(process: int) -> bool:
    """Whether a process is gone, or ended and not yet waited for."""
    return not Path(f"/proc/{process}").exists() or _status_fields(process)[0] == "Z"


def _status_fields(process: int) -> list[str]:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()


def listen(process: int, seconds: float, with_masks: bool, stop: threading.Event) -> None:
    """Wait for the active node, with `with_masks` for its first two masks, and measure for `seconds`. Raises ValueError."""
    node, measured = Listener(), {}

    def measure() -> None:
        deadline_s = time.monotonic() + TIMEOUT_S
        while not node.counts or (with_masks and len(node.latencies_s) < 2):
            if time.monotonic() > deadline_s or has_ended(process) or stop.wait(LONGEST_WAIT_S):
                return stop.set()
        before, masks, begin_s, begin_cpu_s = node.counts, len(node.latencies_s), time.monotonic(), cpu_s(process)
        stop.wait(seconds)
        taken_s, used_s = time.monotonic() - begin_s, cpu_s(process) - begin_cpu_s
        latencies_ms = [1e3 * latency_s for latency_s in node.latencies_s[masks:]]
        measured.update({name: count - before[name] for name, count in node.counts.items()})
        measured.update({"seconds": taken_s, "cpu percent": 100 * used_s / taken_s, "masks": len(latencies_ms)})
        measured["latency ms"] = list(np.percentile(latencies_ms, (50, 99))) if latencies_ms else None
        return stop.set()

    thread = threading.Thread(target=measure)
    thread.start()
    spin(node, stop)
    stop.set()
    thread.join()
    if not measured:
        what = "mask" if with_masks else "status of an active node"
        raise ValueError(f"no {what} within {TIMEOUT_S:.0f} s, or the node has ended: see its log above")
    print(json.dumps(measured), flush=True)


def main() -> int:
    """Measure one node; return 1 after one line if it publishes nothing."""
    parser = argparse.ArgumentParser(prog="python -m c3n_ros.rig.benchmark_listener_node", description=__doc__)
    parser.add_argument("--process", type=int, required=True, help="process id of the node")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--idle", action="store_true", help="do not wait for masks")
    arguments = parser.parse_args()
    return run(
        "benchmark_listener",
        lambda stop: listen(arguments.process, arguments.seconds, not arguments.idle, stop),
    )


if __name__ == "__main__":
    sys.exit(main())
