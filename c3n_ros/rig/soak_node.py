"""The course of a soak: the node's process, the sensors, and one fault after the other. `c3n_ros.rig.soak` runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from c3n_ros.rig.isolation import isolated_environment, large_images_profile
from c3n_ros.rig.soak_faults import ENDS_PROCESS, KINDS, Fault, faults
from c3n_ros.rig.soak_report import MACHINE, Interval, Journal, judge
from c3n_ros.rig.soak_sensors_node import SoakSensors

START_TIMEOUT_S, STOP_TIMEOUT_S = 180.0, 20.0
LATE_S = 0.25  # if the soak itself sends later than this, the machine was too busy
LAST_ENDED = (
    0.5  # fraction of a long soak after which no process is ended, so that one lives long enough to be measured
)
LONG_S = 300.0


def run(out: Path, seconds: float, seed: int = 0, kinds: Sequence[str] = KINDS) -> dict[str, Any]:
    """Run a soak of `seconds`; return the report, which is also written to `out`.

    Raises RuntimeError if the node never becomes active, ValueError for an unknown kind of fault.
    """
    out.mkdir(parents=True, exist_ok=True)
    os.environ.update(isolated_environment(**large_images_profile()))
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    soak = Soak(out, seconds, seed, kinds)
    try:
        soak.run()
    finally:
        soak.close()
        rclpy.shutdown()
    report = {"seconds": seconds, "seed": seed, **judge(soak.journal)}
    (out / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    lines = [json.dumps(asdict(interval)) for interval in soak.journal.intervals]
    (out / "faults.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return report


class Soak:
    """The node's process, the sensors, and one fault after the other. All in the caller's thread."""

    def __init__(self, out: Path, seconds: float, seed: int, kinds: Sequence[str]):
        self.journal, self._seconds, self._out = Journal(), seconds, out
        self._faults, self._gentle = faults(seed, kinds), faults(seed + 1, _gentle(kinds))
        self._begin_s, begin_ns = time.monotonic(), time.time_ns() // 10**9 * 10**9
        self.sensors = SoakSensors(seed, begin_ns, self.journal, self._now_s)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.sensors)
        self._log = (out / "node.log").open("w")
        self._sampled_s = 0.0

    def _now_s(self) -> float:
        return time.monotonic() - self._begin_s

    def run(self) -> None:
        """Start the node, cause faults for the given time, and stop."""
        self._start_process()
        begin_s = self._wait_for_node()
        end_s = begin_s + self._seconds
        while (now_s := self._now_s()) < end_s:
            is_late_half = self._seconds >= LONG_S and now_s > begin_s + LAST_ENDED * self._seconds
            fault = next(self._gentle if is_late_half else self._faults)
            self._advance(min(now_s + fault.gap_s, end_s))
            if self._now_s() + fault.seconds < end_s:
                self._suffer(fault)
        self.journal.listening.append((begin_s, self._now_s()))
        self._advance(self._now_s() + 2.0)  # for the last windows

    def _suffer(self, fault: Fault) -> None:
        """Cause one fault and wait until it is over."""
        begin_s, sensors = self._now_s(), self.sensors
        if fault.kind in ENDS_PROCESS:
            self._end_process(fault.kind)
            self._start_process()
            self._wait_for_node()
        elif fault.kind == "reactivate":
            self._reactivate()
        elif fault.kind == "clock":
            sensors.jump()
        else:
            self._begin(fault.kind)
            self._advance(begin_s + fault.seconds)
            self._end(fault.kind)
        self.journal.intervals.append(Interval(fault.kind, begin_s, self._now_s()))

    def _begin(self, kind: str) -> None:
        sensors = self.sensors
        if kind == "camera_restart":
            sensors.close_camera()
        elif kind == "microphone_restart":
            sensors.close_microphone()
        elif kind == "sound_format":
            sensors.vary_sound()
        elif kind in ("resized", "encoding"):
            sensors.vary_images(kind)
        else:
            sensors.fault = kind

    def _end(self, kind: str) -> None:
        sensors = self.sensors
        if kind == "camera_restart":
            sensors.open_camera()
        elif kind == "microphone_restart":
            sensors.open_microphone()
        elif kind == "sound_format":
            sensors.describe_sound()
        sensors.vary_images(None)
        sensors.fault = None
        if kind in ("late", "delayed", "reordered"):
            self._advance(self._now_s() + sensors.held_s)  # until the last message of the fault is sent

    def _reactivate(self) -> None:
        answered, success = threading.Event(), []
        self.sensors.reactivate(lambda succeeded: (success.append(succeeded), answered.set()))
        deadline_s = self._now_s() + STOP_TIMEOUT_S
        while not answered.is_set() and self._now_s() < deadline_s:
            self._step()
        if success != [True]:
            self.journal.failures.append(f"deactivation and activation at {self._now_s():.0f} s did not succeed")

    def _start_process(self) -> None:
        command = [sys.executable, "-m", "c3n_ros.segmentation_node", "--ros-args", "-p", "model:=demo"]
        self._process = subprocess.Popen(command, stdout=self._log, stderr=subprocess.STDOUT)
        self._process_start_s = self._now_s()
        self.sensors.life += 1
        self.journal.resources.append([])

    def _end_process(self, kind: str) -> None:
        self._process.send_signal(signal.SIGTERM if kind == "sigterm" else signal.SIGKILL)
        deadline_s = self._now_s() + STOP_TIMEOUT_S
        while self._process.poll() is None:
            if self._now_s() > deadline_s:
                self.journal.failures.append(f"the node did not end within {STOP_TIMEOUT_S:.0f} s of {kind}")
                self._process.kill()
            self._step()
        if kind == "sigterm" and self._process.returncode != 0:
            self.journal.failures.append(f"the node ended with {self._process.returncode} after SIGTERM, expected 0")
        ended_s = self._now_s()
        while self._now_s() < ended_s + 0.2:  # for what it still sent
            self._step()
        self.sensors.is_active = False

    def _wait_for_node(self) -> float:
        deadline_s = self._now_s() + START_TIMEOUT_S
        while not self.sensors.is_active:
            if self._process.poll() is not None or self._now_s() > deadline_s:
                raise RuntimeError(
                    f"the node did not become active within {START_TIMEOUT_S:.0f} s; see {self._out}/node.log"
                )
            self._step()
        self.journal.start_s.append(self._now_s() - self._process_start_s)
        return self._now_s()

    def _advance(self, until_s: float) -> None:
        while self._now_s() < until_s:
            self._step()
            if (code := self._process.poll()) is not None:
                raise RuntimeError(f"the node ended with {code} at {self._now_s():.0f} s; see {self._out}/node.log")

    def _step(self) -> None:
        self._executor.spin_once(timeout_sec=0.01)
        due_s = self.sensors.send_due()
        now_s = self._now_s()
        if now_s - due_s > LATE_S:
            self.journal.intervals.append(Interval(MACHINE, due_s, now_s))
        if now_s - self._sampled_s >= 1:
            self._sampled_s = now_s
            self._sample()

    def _sample(self) -> None:
        proc = Path("/proc", str(self._process.pid))
        try:
            pages = int((proc / "statm").read_text().split()[1])
            counts = [len(list((proc / name).iterdir())) for name in ("fd", "task")]
        except (OSError, ValueError, IndexError):  # it has just ended
            return
        if self.sensors.is_active and self._process.poll() is None:
            memory_mib = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
            self.journal.resources[-1].append((round(memory_mib, 1), counts[0], counts[1]))

    def close(self) -> None:
        """End the node's process and the sensors."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()
        self._executor.shutdown()
        self.sensors.destroy_node()


def _gentle(kinds: Sequence[str]) -> list[str]:
    """Return the kinds that end no process; all of them if there are no others."""
    return [kind for kind in kinds if kind not in ENDS_PROCESS] or list(kinds)
