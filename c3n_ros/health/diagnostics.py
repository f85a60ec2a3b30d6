"""Health of the segmentation node: callbacks record facts, from which the statuses of /diagnostics follow. No ROS, no clock.

| status | causes other than OK |
|---|---|
| node | inactive, disabled, a thread ended |
| topics | skipped items and their cause, several publishers on one topic |
| network | model missing, device not usable, a window failed, windows dropped |
| camera, microphone | no publisher, QoS mismatch, nothing arrives or no longer, cannot be decoded (MP3, an unknown encoding), constant stamps, too slow, gaps |
| camera_info, depth, points | published but nothing usable arrives, cannot be used (with cause), do not match the images |
| sound_direction, with an array or a published bearing | the array's channels do not arrive, no camera_info |
| sound_motion, with compare_motion | too little is seen or heard of objects of one class |
| synchronisation | the stamps of the two streams are too far apart |
| windows | none is published, much of their sound is missing |

Every status other than OK names a remedy. `now_s` is the caller's steady clock in seconds; stamps are those of the messages.
Recording is O(1), so that callbacks stay short; the work is done in `summarise`, called about once a second.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import asdict, dataclass, field

import numpy as np

from c3n_model.streaming.windows import StreamCounts
from c3n_ros.health.arrivals import Arrivals
from c3n_ros.health.direction_status import DirectionHealth, direction_status
from c3n_ros.health.guard import Failure
from c3n_ros.health.input_status import (
    PATIENCE_S,
    camera_status,
    microphone_status,
    synchronisation_status,
    topics_status,
)
from c3n_ros.health.motion_status import MotionHealth, motion_status
from c3n_ros.health.optional_status import camera_info_status, distance_status
from c3n_ros.health.status import Level, Status

MAX_DROP_RATIO = 0.05  # what ros2_benchmark allows
MIN_HEARD = 0.9
MAX_WINDOWS, WINDOWS_FOR_HEARD = 120, 10


@dataclass(frozen=True)
class PublishedWindow:
    """Time of publication, delay after the last input, fraction of the second that was heard, and how many older windows were
    dropped for this one."""

    at_s: float
    latency_s: float
    heard: float
    dropped: int


@dataclass
class Health:
    """The facts so far. The executor's thread sets the attributes and calls `summarise`; the network thread calls `refuse_image`,
    `on_window` and `fail_window`.

    `camera`, `microphone`, `description` (audio_info), `camera_info` and `distances` (depth, points) are the arriving messages;
    `direction` is that of the sound, `motion` what moves in time with it;
    `counts` those of the WindowAssembler, which updates them; `max_skew_s`, `max_wait_s` and `hop_s` the parameters; `model`,
    `fingerprint`, `device` and `rmw` describe the network and where it runs. `state` is that of the lifecycle, e.g. "active";
    `listening_since_s` the time of subscription; `model_refused` why model or device cannot be used, else "";
    `unused_parameters` those that the node was started with and does not know; `device_memory_bytes` the GPU memory of the
    network, None on a CPU; `failures` what the guard skipped, by source; `publishers` the names of the nodes that publish each
    topic.
    """

    camera: Arrivals
    microphone: Arrivals
    description: Arrivals | None = None
    camera_info: Arrivals = field(default_factory=lambda: Arrivals(""))
    distances: dict[str, Arrivals] = field(default_factory=dict)
    counts: StreamCounts = field(default_factory=StreamCounts)
    direction: DirectionHealth = field(default_factory=DirectionHealth)
    motion: MotionHealth = field(default_factory=MotionHealth)
    max_skew_s: float = 0.15
    max_wait_s: float = 0.5
    hop_s: float = 1.0
    model: str = ""
    fingerprint: str = ""
    device: str = ""
    rmw: str = ""
    state: str = "unconfigured"
    enabled: bool = True
    listening_since_s: float = 0.0
    model_refused: str = ""
    unused_parameters: str = ""
    device_memory_bytes: int | None = None
    failures: dict[str, Failure] = field(default_factory=dict)
    publishers: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self):
        self._lock = threading.Lock()  # the network thread records, the executor's summarises
        self._windows: deque[PublishedWindow] = deque(maxlen=MAX_WINDOWS)
        self._failure = ""
        self._failures = 0
        self._dead_threads: list[str] = []  # until a window is published
        self._restarts = 0

    def refuse_image(self, reason: str) -> None:
        """Record that a window's image cannot be decoded; holds until a window is published."""
        self.camera.refused = reason

    def on_window(self, now_s: float, latency_s: float, heard: float, dropped: int = 0) -> None:
        """Record a window that was published `latency_s` after its last input arrived, and `dropped` older ones before it."""
        self.camera.refused = ""
        with self._lock:
            self._failure, self._dead_threads = "", []
            self._windows.append(PublishedWindow(now_s, latency_s, heard, dropped))

    def fail_window(self, reason: str) -> None:
        """Record that the network failed on a window; holds until one is published."""
        with self._lock:
            self._failure, self._failures = reason, self._failures + 1

    def on_threads_ended(self, names: list[str]) -> None:
        """Record that threads ended and are replaced; holds until a window is published."""
        with self._lock:
            self._dead_threads, self._restarts = names, self._restarts + 1

    def summarise(self, now_s: float) -> list[Status]:
        """Return all statuses, always in the same order."""
        with self._lock:
            windows, failure = list(self._windows), self._failure
        topics = topics_status(self.failures, self.publishers, now_s)
        statuses = [self._node_status(), self._network_status(windows, failure), topics]
        reason = self._why_not_listening()
        if reason:
            names = ("camera", "microphone", "camera_info", *self.distances, "synchronisation", "windows")
            return statuses + [Status(name, Level.STALE, f"not listening: {reason}") for name in names]
        images, sound, since_s = self.camera.recent(now_s), self.microphone.recent(now_s), self.listening_since_s
        return [
            *statuses,
            camera_status(self.camera, now_s, since_s, self.max_skew_s),
            microphone_status(self.microphone, now_s, since_s, self.description),
            camera_info_status(self.camera_info, now_s, since_s),
            *(
                distance_status(name, stream, self.camera, self.camera_info, now_s, since_s)
                for name, stream in self.distances.items()
            ),
            *([direction_status(self.direction)] if self.direction.is_used else []),
            *([motion_status(self.motion)] if self.motion.is_used else []),
            synchronisation_status(images, sound, self.max_wait_s, self.counts.clock_jumps),
            self._windows_status(now_s, windows),
        ]

    def _why_not_listening(self) -> str:
        if self.model_refused:
            return "the model cannot run"
        if self.state != "active":
            return f"the node is {self.state}"
        return "" if self.enabled else "the node is disabled"

    def _node_status(self) -> Status:
        values = {"state": self.state, "enabled": str(self.enabled).lower(), "rmw": self.rmw}
        values["restarts of threads"] = str(self._restarts)
        if self._dead_threads:
            text = f"thread {' and '.join(self._dead_threads)} ended and was replaced, its buffers are lost"
            remedy = "report it with the node's log; if it happens again, restart the node"
            return Status("node", Level.ERROR, f"{text}: {remedy}", values)
        if self.state != "active":
            remedy = "configure and activate it (ros2 lifecycle set), or start it with autostart:=true"
            return Status("node", Level.WARN, f"{self.state}: {remedy}", values)
        if not self.enabled:
            return Status(
                "node", Level.WARN, "disabled: call its service ~/enable (std_srvs/SetBool) with data: true", values
            )
        if self.unused_parameters:
            return Status("node", Level.WARN, f"active, but {self.unused_parameters}", values)
        return Status("node", Level.OK, "active", values)

    def _network_status(self, windows: list[PublishedWindow], failure: str) -> Status:
        values = {"model": self.model, "fingerprint": self.fingerprint, "device": self.device}
        values["failed windows"] = str(self._failures)
        if windows:
            p50, p95 = np.percentile([1000 * window.latency_s for window in windows], (50, 95))
            values |= {"latency p50": f"{p50:.0f} ms", "latency p95": f"{p95:.0f} ms"}
        if self.device_memory_bytes is not None:
            values["device memory"] = f"{self.device_memory_bytes / 2**20:.0f} MiB"
        if self.model_refused:
            return Status("network", Level.ERROR, f"cannot run: {self.model_refused}", values)
        if failure:
            is_memory = "out of memory" in failure.lower()
            remedy = "use a smaller model or device:=cpu" if is_memory else "if it happens again, restart the node"
            return Status("network", Level.ERROR, f"window skipped: {failure}; {remedy}", values)
        dropped = sum(window.dropped for window in windows)
        total = dropped + len(windows)
        if dropped > MAX_DROP_RATIO * total:
            text = f"{dropped} of {total} windows dropped because newer ones were ready: the network is too slow"
            return Status("network", Level.WARN, f"{text}; use a GPU or a smaller model, or raise hop_s", values)
        return Status("network", Level.OK, f"{self.model} on {self.device}", values)

    def _windows_status(self, now_s: float, windows: list[PublishedWindow]) -> Status:
        counts = self.counts
        values = {name.replace("_", " "): str(count) for name, count in asdict(counts).items()}
        values["dropped"] = str(sum(window.dropped for window in windows))
        published = [window for window in windows if window.at_s >= self.listening_since_s]
        since_s = now_s - (published[-1].at_s if published else self.listening_since_s)
        skipped = f"{counts.skipped_no_frame} skipped without an image, {counts.skipped_no_sound} without sound"
        if since_s > PATIENCE_S + self.hop_s + self.max_wait_s:
            text = f"no window for {since_s:.0f} s ({skipped}): see the statuses of camera, microphone, synchronisation, network"
            return Status("windows", Level.ERROR, text, values)
        if not published:
            return Status("windows", Level.WARN, "waiting for the first window", values)
        heard = float(np.mean([window.heard for window in published[-WINDOWS_FOR_HEARD:]]))
        values["heard"] = f"{heard:.2f}"
        if heard < MIN_HEARD:
            return Status("windows", Level.WARN, f"{1 - heard:.0%} of their sound is missing: see microphone", values)
        return Status("windows", Level.OK, f"{counts.windows} windows, {skipped}", values)
