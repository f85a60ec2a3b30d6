"""Compute the velocities that turn a robot towards sounding objects. Pure: no ROS, no clock except the given stamps.

A window's result is old when it arrives: a second of sound, then the network. The robot has turned since then. So every bearing
is added to the heading that the robot had when the image was taken, and the target stays fixed while the robot turns; likewise
its distance and the commanded motion. The camera must look where the robot drives, level, near its turning axis.

| state | motion |
|---|---|
| a target | turn to it: proportional, but no faster than can be braked; stop within `deadband` |
| a target with a known distance, and `max_forward` > 0 | drive to `standoff` from it, while facing it |
| no target for `search_after_s`, something audible, `search` | sweep until an object is seen; turn towards it while it is confirmed |
| otherwise no target, or no new window (or odometry) for `timeout_s` | slow down and stop |
| `command` was not called for MAX_STALL_S, its clock jumped, or a number is not finite | stop at once, then start over |

Commands stay within `VelocityLimits` whatever the input. Implausible sightings and headings are rejected and counted.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from c3n_model.types import NANOSECONDS_PER_SECOND
from c3n_ros.geometry.target import Sighting, Target, TargetSettings, TargetTracker, turn_between
from c3n_ros.geometry.velocity import STANDSTILL, Velocity, VelocityLimits

FACING = math.radians(20)  # maximum bearing of the target for driving forward
_ENTRIES_KEPT = 500  # ten seconds at 50 Hz: a window's image is at most a few seconds old
_LONGEST_STEP_S = 0.2  # longer pauses between commands count as this long: the robot's motion in them is unknown
MAX_STALL_S = 0.5  # a longer pause is a stall; the same as the usual command timeout of a base (diff_drive_controller)


@dataclass(frozen=True)
class FollowSettings(VelocityLimits):
    """Angles in radians, lengths in metres, times in seconds.

    `gain` is the rate of turn per angle to the target, 1/s; `search_sector` the sector, centred at heading 0 (where odometry or
    the follower started), to which a search is limited: full circles from 2 pi on. Raises ValueError as `VelocityLimits`.
    """

    gain: float = 2.0
    deadband: float = 0.03
    standoff: float = 1.0
    search: bool = False
    search_after_s: float = 1.0
    search_turn: float = 0.5
    search_sector: float = 2 * math.pi
    timeout_s: float = 3.0
    target: TargetSettings = field(default_factory=TargetSettings)


class History:
    """A quantity by stamp, with linear interpolation: the robot's heading, or its distance driven."""

    def __init__(self):
        self._entries: deque[tuple[int, float]] = deque(maxlen=_ENTRIES_KEPT)

    def add(self, stamp_ns: int, value: float) -> None:
        """Add a value. A stamp not newer than the last one starts over."""
        if self._entries and stamp_ns <= self._entries[-1][0]:
            self._entries.clear()
        self._entries.append((stamp_ns, value))

    def at(self, stamp_ns: int) -> float:
        """Return the value at a stamp, constant before the first and after the last entry; 0 without entries."""
        position = bisect_right(self._entries, stamp_ns, key=lambda entry: entry[0])
        if not self._entries:
            return 0.0
        if position in (0, len(self._entries)):
            return self._entries[min(position, len(self._entries) - 1)][1]
        (before_ns, before), (after_ns, after) = self._entries[position - 1], self._entries[position]
        return before + (after - before) * (stamp_ns - before_ns) / (after_ns - before_ns)

    @property
    def newest_ns(self) -> int | None:
        """Stamp of the last entry."""
        return self._entries[-1][0] if self._entries else None

    def clear(self) -> None:
        """Remove all entries."""
        self._entries.clear()


class SoundFollower:
    """`add_objects` takes each window's objects, `command` returns the velocity. Not thread safe.

    With `odometry` headings come from `add_heading`, and the robot stands still without them; otherwise the robot is assumed to
    execute its commands.
    """

    def __init__(self, settings: FollowSettings | None = None, *, odometry: bool = False):
        self._settings, self._odometry = settings or FollowSettings(), odometry
        self._tracker = TargetTracker(self._settings.target)
        self._headings, self._distances = History(), History()
        self.rejected: Counter[str] = Counter()  # implausible "objects" and "odometry" so far
        self.reset()

    @property
    def settings(self) -> FollowSettings:
        """May be replaced at any time."""
        return self._settings

    @settings.setter
    def settings(self, settings: FollowSettings) -> None:
        self._settings = settings
        self._tracker.settings = settings.target

    def reset(self) -> None:
        """Forget targets, headings and the last command."""
        self._headings.clear()
        self._distances.clear()
        self._commanded_ns: int | None = None
        self._arrived_ns: dict[str, int] = {}  # input -> its last arrival, by the clock of the commands
        self.halt()

    def halt(self) -> None:
        """Stop at once, without decelerating, and forget all objects and sounds."""
        self._velocity = STANDSTILL
        self.forget()

    def forget(self) -> None:
        """Forget all objects and sounds, but not heading and motion."""
        self._tracker.reset()
        self._window_ns: int | None = None
        self._arrived_ns.pop("objects", None)
        self._heard_ns: int | None = None  # stamp of the last window in which something was audible
        self._content_ns = 0  # ... and of the last one with nothing to search for
        self._sweep = 0  # direction of the search: 1 left, -1 right, 0 no search

    def add_heading(self, stamp_ns: int, heading: float) -> None:
        """Add odometry: the heading in radians counterclockwise, modulo full turns; rejected if it is not finite."""
        if not math.isfinite(heading):
            self.rejected["odometry"] += 1
            return
        self._record_arrival("odometry", stamp_ns)
        last = self._headings.at(stamp_ns)
        self._headings.add(stamp_ns, last + turn_between(last, heading))

    def add_objects(self, stamp_ns: int, sightings: Iterable[Sighting], *, audible: bool) -> None:
        """Add the objects in the image at `stamp_ns`, bearings relative to the camera; `audible`: whether anything is heard.

        Implausible sightings are rejected. A stamp older than the last one starts over.
        """
        sightings = list(sightings)
        plausible = [sighting for sighting in sightings if sighting.is_plausible]
        self.rejected["objects"] += len(sightings) - len(plausible)
        if self._window_ns is not None and stamp_ns < self._window_ns:
            self.forget()
        heading, distance = self._headings.at(stamp_ns), self._distances.at(stamp_ns)
        target = self._tracker.update(stamp_ns, [_moved(sighting, heading, distance) for sighting in plausible])
        self._record_arrival("objects", stamp_ns)
        if audible:
            self._heard_ns = stamp_ns
        first, self._window_ns = self._window_ns is None, stamp_ns
        if first or target is not None or not self._is_audible():
            self._content_ns = stamp_ns

    def target(self, now_ns: int) -> Target | None:
        """Return the target relative to the robot at `now_ns`, or None."""
        target = self._tracker.at(now_ns) if self._is_fresh(now_ns) else None
        if target is None:
            return None
        moved = _moved(target, 0.0, -self._distances.at(now_ns))
        return replace(moved, bearing=turn_between(self._headings.at(now_ns), target.bearing))

    def command(self, now_ns: int) -> Velocity:
        """Return the velocity from `now_ns` on; to be called periodically. A clock that jumps either way stops the robot."""
        if self._commanded_ns is not None and now_ns < self._commanded_ns:
            self.reset()
        elapsed_s = 0.0
        if self._commanded_ns is not None:
            elapsed_s = (now_ns - self._commanded_ns) / NANOSECONDS_PER_SECOND
        if elapsed_s > MAX_STALL_S:
            self.halt()  # the base may have stopped or continued: neither speed nor heading is known
        elapsed_s = min(elapsed_s, _LONGEST_STEP_S)
        self._distances.add(now_ns, self._distances.at(now_ns) + self._velocity.forward * elapsed_s)
        if not self._odometry:
            self._headings.add(now_ns, self._headings.at(now_ns) + self._velocity.turn * elapsed_s)
        self._arrived_ns = {name: min(arrived_ns, now_ns) for name, arrived_ns in self._arrived_ns.items()}
        goal = self._goal_velocity(now_ns)
        if not goal.is_finite:
            self.reset()  # so that the fault does not persist
        self._commanded_ns = now_ns
        self._velocity = self.settings.next_velocity(self._velocity, goal, elapsed_s)
        return self._velocity

    def _record_arrival(self, name: str, stamp_ns: int) -> None:
        self._arrived_ns[name] = stamp_ns if self._commanded_ns is None else self._commanded_ns

    def _is_fresh(self, now_ns: int) -> bool:
        """Return whether all inputs are recent, by stamp and by arrival: a stamp may lie in the future."""
        timeout_ns = self.settings.timeout_s * NANOSECONDS_PER_SECOND
        times = [self._window_ns, self._arrived_ns.get("objects")]
        if self._odometry:
            times += [self._headings.newest_ns, self._arrived_ns.get("odometry")]
        return all(time is not None and abs(now_ns - time) <= timeout_ns for time in times)

    def _is_audible(self) -> bool:
        """Return whether something is audible, or was until recently: many sounds pause."""
        hold_ns = self.settings.target.hold_s * NANOSECONDS_PER_SECOND
        return self._heard_ns is not None and self._window_ns - self._heard_ns <= hold_ns

    def _should_search(self) -> bool:
        """Return whether something has been audible but not visible for long enough to search for it."""
        searched_after_ns = self.settings.search_after_s * NANOSECONDS_PER_SECOND
        missed_ns = self._window_ns - self._content_ns
        return self._is_audible() and missed_ns >= searched_after_ns

    def _goal_velocity(self, now_ns: int) -> Velocity:
        target = self.target(now_ns)
        if target is not None:
            self._sweep = 0
            return Velocity(self._turn_to(target.bearing), self._approach(target))
        if self.settings.search and self._is_fresh(now_ns) and self._should_search():
            heading, rival = self._headings.at(now_ns), self._tracker.rival
            return Velocity(turn=self._sweep_from(heading) if rival is None else self._turn_to_rival(rival, heading))
        return STANDSTILL

    def _turn_to(self, bearing: float) -> float:
        settings, angle = self.settings, abs(bearing)
        if angle <= settings.deadband:
            return 0.0
        brakeable = math.sqrt(2 * settings.max_turn_acceleration * angle)
        return math.copysign(min(settings.gain * angle, brakeable, settings.max_turn), bearing)

    def _approach(self, target: Target) -> float:
        if target.distance is None or abs(target.bearing) > FACING:
            return 0.0
        settings, distance = self.settings, max(target.distance - self.settings.standoff, 0.0)
        brakeable = math.sqrt(2 * settings.max_forward_acceleration * distance)
        return min(settings.gain * distance, brakeable, settings.max_forward)

    def _turn_to_rival(self, rival: Sighting, heading: float) -> float:
        """Return the turn rate towards a possible target, no faster than a sweep."""
        turn, fastest = self._turn_to(turn_between(heading, rival.bearing)), self.settings.search_turn
        return max(-fastest, min(turn, fastest))

    def _sweep_from(self, heading: float) -> float:
        """Return the turn rate of a sweep: first to the wider side, reversing early enough to stop at the sector's edge."""
        half, turn = self.settings.search_sector / 2, self._velocity.turn
        edge = half - turn * turn / (2 * self.settings.max_turn_acceleration)
        if self._sweep == 0:
            self._sweep = -1 if heading > 0 and half < math.pi else 1
        elif half < math.pi and heading * self._sweep >= edge and turn * self._sweep >= 0:
            self._sweep = -self._sweep
        return self._sweep * self.settings.search_turn


def _moved(sighting: Sighting | Target, heading: float, driven: float) -> Sighting | Target:
    """Return `sighting` relative to the robot's start, if it has turned by `heading` and driven `driven` metres since."""
    distance = None if sighting.distance is None else sighting.distance + driven
    return replace(sighting, bearing=sighting.bearing + heading, distance=distance)
