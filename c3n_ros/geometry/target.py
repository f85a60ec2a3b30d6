"""Chooses which sounding object to follow. Decided by stamps alone; no wall clock, no ROS.

| case | result |
|---|---|
| no target yet | the object with the largest score x area becomes the target after it was seen for `confirm_s` (0: at once) |
| an object with less weight than `min_weight` | ignored |
| the target is seen again, within `gate` of its last bearing | followed, smoothed |
| another object outweighs it by `margin`, or is seen while the target is not, for `switch_s` | the other becomes the target |
| nothing is seen (a mask flickers, a sound pauses) | the target is kept for `hold_s` after it was last seen, then dropped |
| a stamp older than the last one (a looping bag) | everything is forgotten |
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from c3n_model.types import NANOSECONDS_PER_SECOND, Segmentation
from c3n_ros.geometry.depth import MAX_DISTANCE_M
from c3n_ros.geometry.velocity import require_plausible_numbers

_TOLERANCE = 1e-6  # of float32, in which messages hold angles and scores


@dataclass(frozen=True)
class Sighting:
    """One object in one window: `weight` is its score x the fraction of the image it covers, in [0, 1]; angles in radians;
    `distance` in metres or None."""

    label: str
    weight: float
    bearing: float
    elevation: float
    distance: float | None = None

    @property
    def is_plausible(self) -> bool:
        """Whether everything is finite and in range: weight [0, 1], bearing +-pi, elevation +-pi/2, distance (0, 300] m."""
        return (
            0 <= self.weight <= 1 + _TOLERANCE
            and abs(self.bearing) <= math.pi + _TOLERANCE
            and abs(self.elevation) <= math.pi / 2 + _TOLERANCE
            and (self.distance is None or 0 < self.distance <= MAX_DISTANCE_M)
        )


@dataclass(frozen=True)
class Target:
    """The object to follow: angles in radians and distance in metres, smoothed; `seen_ns` is the stamp of its last sighting,
    `since_ns` that of its first as the target."""

    label: str
    weight: float
    bearing: float
    elevation: float
    distance: float | None
    seen_ns: int
    since_ns: int


@dataclass(frozen=True)
class TargetSettings:
    """When to keep and when to switch the target: times in seconds, `gate` in radians; see the module's table.

    `smoothing_s` is the filter's time constant: the step response reaches 63 % after it; 0: no smoothing.
    """

    hold_s: float = 2.0
    switch_s: float = 0.8
    confirm_s: float = 0.0
    min_weight: float = 0.002
    margin: float = 1.3
    smoothing_s: float = 0.3
    gate: float = 0.35

    def __post_init__(self):
        require_plausible_numbers(self)


class TargetTracker:
    """Chooses a target from sightings. Not thread safe.

    Bearings may be in any frame that does not rotate: on a robot that turns, add its heading first.
    """

    def __init__(self, settings: TargetSettings | None = None):
        self.settings = settings or TargetSettings()
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._target: Target | None = None
        self._rival: Sighting | None = None
        self._rival_since_ns = 0
        self._newest_ns: int | None = None

    def update(self, stamp_ns: int, sightings: Iterable[Sighting]) -> Target | None:
        """Add the sightings of one window (none, if it is silent) and return the target, if there is one."""
        if self._newest_ns is not None and stamp_ns < self._newest_ns:
            self.reset()
        self._newest_ns = stamp_ns
        self._target = self.at(stamp_ns)
        candidates = [
            sighting for sighting in sightings if sighting.weight >= self.settings.min_weight and _is_finite(sighting)
        ]
        same = self._nearest_to_target(candidates)
        best = max(candidates, key=lambda sighting: sighting.weight, default=None)
        if same is not None:
            self._target = self._smoothed(self._target, same, stamp_ns)
        if best is None or best is same or (same is not None and best.weight <= self.settings.margin * same.weight):
            self._rival = None
        else:
            self._consider(best, stamp_ns)
        return self._target

    @property
    def rival(self) -> Sighting | None:
        """The object in the newest window that may become the target."""
        return self._rival

    def at(self, stamp_ns: int) -> Target | None:
        """Return the target at `stamp_ns`: None if it was not seen for longer than `hold_s`."""
        if self._target is None or stamp_ns - self._target.seen_ns > self.settings.hold_s * NANOSECONDS_PER_SECOND:
            return None
        return self._target

    def _nearest_to_target(self, candidates: list[Sighting]) -> Sighting | None:
        """Return the sighting of the target: the nearest one, if it is within `gate`."""
        if self._target is None or not candidates:
            return None
        nearest = min(candidates, key=lambda sighting: abs(turn_between(self._target.bearing, sighting.bearing)))
        return nearest if abs(turn_between(self._target.bearing, nearest.bearing)) <= self.settings.gate else None

    def _take(self, sighting: Sighting, stamp_ns: int) -> None:
        self._rival = None
        self._target = Target(
            sighting.label, sighting.weight, sighting.bearing, sighting.elevation, sighting.distance, stamp_ns, stamp_ns
        )

    def _smoothed(self, target: Target, sighting: Sighting, stamp_ns: int) -> Target:
        elapsed_s = (stamp_ns - target.seen_ns) / NANOSECONDS_PER_SECOND
        share = 1 - math.exp(-elapsed_s / self.settings.smoothing_s) if self.settings.smoothing_s > 0 else 1.0
        distance = target.distance
        if sighting.distance is not None:
            distance = sighting.distance if distance is None else distance + share * (sighting.distance - distance)
        return replace(
            target,
            label=sighting.label,
            weight=sighting.weight,
            bearing=target.bearing + share * turn_between(target.bearing, sighting.bearing),
            elevation=target.elevation + share * (sighting.elevation - target.elevation),
            distance=distance,
            seen_ns=stamp_ns,
        )

    def _consider(self, rival: Sighting, stamp_ns: int) -> None:
        """Switch to `rival` once it has been better for long enough without interruption."""
        known = self._rival is not None and abs(turn_between(self._rival.bearing, rival.bearing)) <= self.settings.gate
        if not known:
            self._rival_since_ns = stamp_ns
        self._rival = rival
        wait_s = self.settings.confirm_s if self._target is None else self.settings.switch_s
        if stamp_ns - self._rival_since_ns >= wait_s * NANOSECONDS_PER_SECOND:
            self._take(rival, stamp_ns)


def sightings_of(segmentation: Segmentation) -> list[Sighting]:
    """Return the objects of a segmentation that have a direction (from `direction.with_directions`)."""
    return [
        Sighting(
            label=region.label,
            weight=region.score * region.area / segmentation.mask.size,
            bearing=region.bearing,
            elevation=region.elevation,
            distance=None if region.position is None else math.hypot(*region.position),
        )
        for region in segmentation.objects
        if region.bearing is not None
    ]


def _is_finite(sighting: Sighting) -> bool:
    """Return whether all numbers are finite: smoothing would keep NaN and infinity for ever."""
    return all(map(math.isfinite, (sighting.weight, sighting.bearing, sighting.elevation, sighting.distance or 0.0)))


def turn_between(start: float, end: float) -> float:
    """Return the shorter turn from one bearing to another, radians in [-pi, pi), positive to the left."""
    return (end - start + math.pi) % (2 * math.pi) - math.pi
