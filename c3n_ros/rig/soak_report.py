"""Evaluate a soak: whether all clean seconds were published or counted, the node recovered in time, and its resources did not grow.

Times are seconds of the soak. A second is clean if no fault that loses something touches it, the `RECOVERY_S` before it or the
`AFTER_S` after it, in which its window is processed. The machine is a fault too while it keeps the soak itself from sending
on time.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from c3n_ros.rig.soak_faults import HARMLESS

RECOVERY_S, AFTER_S = 2.0, 2.0
MIN_HEARD = 0.99
MACHINE = "machine"  # the kind of an interval in which this machine was too busy to send on time
SETTLE_SAMPLES, MIN_SAMPLES = 30, 90  # one a second; a process grows while its caches fill
# Growth from the first to the last quarter of a process's life.
MAX_GROWTH = {"memory MiB": 30.0, "descriptors": 2.0, "threads": 2.0}


@dataclass(frozen=True)
class Interval:
    """A fault that occurred: its kind, begin and end. The end of a process is a fault until its successor is active."""

    kind: str
    begin_s: float
    end_s: float

    @property
    def is_harmless(self) -> bool:
        return self.kind in HARMLESS


@dataclass(frozen=True)
class Published:
    """A window that arrived: the begin of its second, its time of arrival, the fraction heard, the node's count of dropped
    windows, which of the node's processes and activations it came from, and the stamp of its image, which may lie after the second."""

    second: int
    at_s: float
    heard: float
    dropped: int
    life: int
    image_ns: int


@dataclass
class Journal:
    """What happened in a soak. `resources` are the samples of each process's life: memory [MiB], descriptors, threads."""

    intervals: list[Interval] = field(default_factory=list)
    windows: list[Published] = field(default_factory=list)
    masks: list[int] = field(default_factory=list)  # the stamps of their images [ns]
    foreign_windows: int = 0  # with stamps that were never sent: from corrupted messages
    listening: list[tuple[float, float]] = field(default_factory=list)  # from the first activity to the end
    start_s: list[float] = field(default_factory=list)  # from the start of a process to its first activity
    resources: list[list[tuple[float, float, float]]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)  # unexpected ends of processes


def judge(journal: Journal) -> dict[str, Any]:
    """Return the report; its `failures` are empty if all is well."""
    clean, failures = clean_seconds(journal), list(journal.failures)
    published, masks = Counter(window.second for window in journal.windows), Counter(journal.masks)
    missing = [second for second in clean if not published[second]]
    uncounted = _uncounted(journal, missing)
    failures += [f"second {second} is clean, but neither published nor counted as dropped" for second in uncounted]
    twice = sorted(second for second, count in published.items() if count > 1)
    failures += [f"second {second} was published {published[second]} times" for second in twice]
    of_masks = {window.second: masks[window.image_ns] for window in journal.windows}
    failures += [f"second {second} has {count} masks" for second, count in sorted(of_masks.items()) if count > 1]
    maskless = sorted(second for second in clean if published[second] and not of_masks[second])
    failures += [f"second {second} has an objects message, but no mask" for second in maskless]
    partly = {window.second for window in journal.windows if window.heard < MIN_HEARD} & set(clean)
    failures += [f"second {second} is clean, but part of its sound is missing" for second in sorted(partly)]
    recoveries, unrecovered = _recoveries(journal)
    failures += [f"not recovered {RECOVERY_S} s after {fault.kind} at {fault.begin_s:.0f} s" for fault in unrecovered]
    growth = _growth(journal)
    for name, limit in MAX_GROWTH.items():
        if growth and growth[name] > limit:
            failures.append(f"{name} grew by {growth[name]:.1f} in the longest life of a process; expected {limit:.0f}")
    latencies = [window.at_s - window.second - 1 for window in journal.windows]
    busy = [interval for interval in journal.intervals if interval.kind == MACHINE]
    return {
        "failures": failures,
        "faults": dict(Counter(interval.kind for interval in journal.intervals if interval.kind != MACHINE)),
        "clean seconds": len(clean),
        "published": len(clean) - len(missing),
        "counted as dropped": len(missing) - len(uncounted),
        "windows": len(journal.windows),
        "masks": len(journal.masks),
        "recovery s": {kind: _spread(values) for kind, values in sorted(recoveries.items())},
        "start of a process s": _spread(journal.start_s),
        "latency s": _spread(latencies),
        "machine too busy": {"times": len(busy), "seconds": round(sum(i.end_s - i.begin_s for i in busy), 1)},
        "growth": growth,
        "resources at the end": [list(life[-1]) for life in journal.resources if life],
    }


def clean_seconds(journal: Journal) -> list[int]:
    """Return the seconds that must be published or counted."""
    harms = [interval for interval in journal.intervals if not interval.is_harmless]
    return [
        second
        for begin_s, end_s in journal.listening
        for second in range(math.ceil(begin_s + RECOVERY_S), math.floor(end_s - AFTER_S))
        if not any(harm.begin_s < second + 1 + AFTER_S and harm.end_s > second - RECOVERY_S for harm in harms)
    ]


def _uncounted(journal: Journal, missing: list[int]) -> list[int]:
    """Return the missing seconds that no later window counts as dropped."""
    uncounted = list(missing)
    for place, window in enumerate(journal.windows):
        counted = _newly_dropped(journal.windows, place)
        for second in [second for second in reversed(uncounted) if second < window.second][:counted]:
            uncounted.remove(second)
    return uncounted


def _newly_dropped(windows: list[Published], place: int) -> int:
    """Return how many windows were dropped since the one before, or since the activation if that is later."""
    window, before = windows[place], windows[place - 1] if place else None
    is_same = before is not None and before.life == window.life and before.dropped <= window.dropped
    return window.dropped - (before.dropped if before is not None and is_same else 0)


def _recoveries(journal: Journal) -> tuple[dict[str, list[float]], list[Interval]]:
    """Return for each kind of fault how long after its end the first published second began; and the faults after which none
    began in time, although nothing else happened and none was dropped."""
    recoveries: dict[str, list[float]] = {}
    unrecovered = []
    harms = [interval for interval in journal.intervals if not interval.is_harmless]
    windows = journal.windows
    last_s = max((end_s for _, end_s in journal.listening), default=0.0)
    for fault in harms:
        until_s = fault.end_s + RECOVERY_S + 1 + AFTER_S
        disturbed = until_s > last_s or any(
            other is not fault and other.begin_s < until_s and other.end_s > fault.end_s for other in harms
        )
        if fault.kind == MACHINE or disturbed:
            continue
        places = [place for place, window in enumerate(windows) if window.second >= math.floor(fault.end_s)]
        if not places:
            unrecovered.append(fault)
            continue
        first, dropped = windows[places[0]], _newly_dropped(windows, places[0])
        recovery_s = max(first.second - fault.end_s, 0.0)
        recoveries.setdefault(fault.kind, []).append(recovery_s)
        if recovery_s - dropped > RECOVERY_S:
            unrecovered.append(fault)
    return recoveries, unrecovered


def _growth(journal: Journal) -> dict[str, float] | None:
    """Return the growth from the first to the last quarter of the longest life; None if no process lived long enough."""
    samples = np.array(max(journal.resources, key=len, default=[]))[SETTLE_SAMPLES:]
    if len(samples) < MIN_SAMPLES:
        return None
    quarter = len(samples) // 4
    growth = np.median(samples[-quarter:], axis=0) - np.median(samples[:quarter], axis=0)
    return {"seconds": float(len(samples)), **dict(zip(MAX_GROWTH, growth.round(2).tolist()))}


def _spread(values: list[float]) -> dict[str, float] | None:
    if not values:
        return None
    return {"count": len(values), "median": round(float(np.median(values)), 2), "max": round(max(values), 2)}
