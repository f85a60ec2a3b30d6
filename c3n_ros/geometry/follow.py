"""Turns a robot towards what sounds: objects of windows in, velocities out. Pure: no ROS, no clock but the stamps it is given.

A window's result is old when it comes: a second of sound, then the network. The robot has turned on since then. So every
bearing is added to the heading that the robot had when the image was taken, and the target stands still while the robot turns;
likewise its distance and the way that was told. The camera must look where the robot drives, level, near its turning axis.

| state | motion |
|---|---|
| a target | turn to it: proportional, but no faster than can be braked; within `deadband` stand still |
| a target with a known distance, and `max_forward` > 0 | go on to `standoff` from it, while facing it |
| no target for `search_after_s`, something audible, `search` | sweep, until a mask shows up; look towards it while it is confirmed |
| no target else, or no new window (or odometry) for `timeout_s` | slow down and stop |
| `command` was not called for MAX_STALL_S, its clock jumped, or a number is not finite | stand still at once, then start anew |

Whatever comes in, commands keep `VelocityLimits`. Sightings and headings that are not plausible are refused and counted.
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

FACING = math.radians(20)  # a robot that goes forward looks at its target this well
_ENTRIES_KEPT = 500  # ten seconds at 50 Hz: a window's image is at most a few seconds old
_LONGEST_STEP_S = 0.2  # a pause between two commands counts as no more: what the robot did in it is not known
MAX_STALL_S = 0.5  # a longer pause is a stall; the same as the usual command timeout of a base (diff_drive_controller)


@dataclass(frozen=True)
class FollowSettings(VelocityLimits):
    """Angles in radians, lengths in metres, times in seconds.

    `gain` is the rate of turn per angle to the target, 1/s; `search_sector` the sector, centred at heading 0 (where odometry or
    the follower began), within which a search stays: from 2 pi on it turns full circles. Raises ValueError as `VelocityLimits`.
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
    """A quantity by stamp, between two entries interpolated: which way the robot looked, how far it had come."""

    def __init__(self):
        self._entries: deque[tuple[int, float]] = deque(maxlen=_ENTRIES_KEPT)

    def add(self, stamp_ns: int, value: float) -> None:
        """Take a value. A stamp not newer than the last one starts anew."""
        if self._entries and stamp_ns <= self._entries[-1][0]:
            self._entries.clear()
        self._entries.append((stamp_ns, value))

    def at(self, stamp_ns: int) -> float:
        """The value at a stamp; before the first and after the last entry theirs; 0 without any."""
        place = bisect_right(self._entries, stamp_ns, key=lambda entry: entry[0])
        if not self._entries:
            return 0.0
        if place in (0, len(self._entries)):
            return self._entries[min(place, len(self._entries) - 1)][1]
        (before_ns, before), (after_ns, after) = self._entries[place - 1], self._entries[place]
        return before + (after - before) * (stamp_ns - before_ns) / (after_ns - before_ns)

    @property
    def newest_ns(self) -> int | None:
        """Stamp of the last entry."""
        return self._entries[-1][0] if self._entries else None

    def clear(self) -> None:
        """Forget all."""
        self._entries.clear()


class SoundFollower:
    """`see` takes each window's objects, `command` says at each moment how to move. Not locked: one thread at a time.

    With `odometry` headings come by `turned`, and without them it stands still; else the robot is believed to do what it is told.
    """

    def __init__(self, settings: FollowSettings | None = None, *, odometry: bool = False):
        self._settings, self._odometry = settings or FollowSettings(), odometry
        self._tracker = TargetTracker(self._settings.target)
        self._headings, self._ways = History(), History()
        self.refused: Counter[str] = Counter()  # "objects" and "odometry" that were not plausible, since the beginning
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
        self._ways.clear()
        self._commanded_ns: int | None = None
        self._arrived_ns: dict[str, int] = {}  # input -> when it came last, by the clock of the commands
        self.halt()

    def halt(self) -> None:
        """Stand still at once, without slowing down first, and forget what was seen and heard."""
        self._velocity = STANDSTILL
        self.forget()

    def forget(self) -> None:
        """Forget what was seen and heard; where the robot looks, and how it moves, stays known."""
        self._tracker.reset()
        self._window_ns: int | None = None
        self._arrived_ns.pop("objects", None)
        self._heard_ns: int | None = None  # stamp of the last window in which something was audible
        self._content_ns = 0  # ... and of the last one that left nothing to search for
        self._sweep = 0  # direction of the search: 1 left, -1 right, 0 none is going on

    def turned(self, stamp_ns: int, heading: float) -> None:
        """Odometry: the robot's heading, radians counterclockwise, known up to full turns; refused if it is not finite."""
        if not math.isfinite(heading):
            self.refused["odometry"] += 1
            return
        self._arrive("odometry", stamp_ns)
        last = self._headings.at(stamp_ns)
        self._headings.add(stamp_ns, last + turn_between(last, heading))

    def see(self, stamp_ns: int, sightings: Iterable[Sighting], *, audible: bool) -> None:
        """Take what the image at `stamp_ns` showed, bearings relative to the camera; `audible`: whether anything is heard.

        Sightings that are not plausible are refused. A stamp older than the last one starts anew.
        """
        sightings = list(sightings)
        plausible = [sighting for sighting in sightings if sighting.is_plausible]
        self.refused["objects"] += len(sightings) - len(plausible)
        if self._window_ns is not None and stamp_ns < self._window_ns:
            self.forget()
        heading, way = self._headings.at(stamp_ns), self._ways.at(stamp_ns)
        target = self._tracker.update(stamp_ns, [_moved(sighting, heading, way) for sighting in plausible])
        self._arrive("objects", stamp_ns)
        if audible:
            self._heard_ns = stamp_ns
        first, self._window_ns = self._window_ns is None, stamp_ns
        if first or target is not None or not self._hears():
            self._content_ns = stamp_ns

    def target(self, now_ns: int) -> Target | None:
        """What is gone for, seen from where the robot is at `now_ns`; None without one."""
        target = self._tracker.at(now_ns) if self._is_fresh(now_ns) else None
        if target is None:
            return None
        moved = _moved(target, 0.0, -self._ways.at(now_ns))
        return replace(moved, bearing=turn_between(self._headings.at(now_ns), target.bearing))

    def command(self, now_ns: int) -> Velocity:
        """The velocity from `now_ns` on; to be asked for again and again. A clock that jumps either way stops the robot."""
        if self._commanded_ns is not None and now_ns < self._commanded_ns:
            self.reset()
        elapsed_s = 0.0
        if self._commanded_ns is not None:
            elapsed_s = (now_ns - self._commanded_ns) / NANOSECONDS_PER_SECOND
        if elapsed_s > MAX_STALL_S:
            self.halt()  # the base may have stopped meanwhile, or gone on: neither speed nor heading is known
        elapsed_s = min(elapsed_s, _LONGEST_STEP_S)
        self._ways.add(now_ns, self._ways.at(now_ns) + self._velocity.forward * elapsed_s)
        if not self._odometry:
            self._headings.add(now_ns, self._headings.at(now_ns) + self._velocity.turn * elapsed_s)
        self._arrived_ns = {name: min(arrived_ns, now_ns) for name, arrived_ns in self._arrived_ns.items()}
        wanted = self._wanted(now_ns)
        if not wanted.is_finite:
            self.reset()  # whatever went wrong shall not last
        self._commanded_ns = now_ns
        self._velocity = self.settings.next_velocity(self._velocity, wanted, elapsed_s)
        return self._velocity

    def _arrive(self, name: str, stamp_ns: int) -> None:
        self._arrived_ns[name] = stamp_ns if self._commanded_ns is None else self._commanded_ns

    def _is_fresh(self, now_ns: int) -> bool:
        """Whether all inputs are recent, by their stamps and by when they arrived: a stamp may lie in the future."""
        timeout_ns = self.settings.timeout_s * NANOSECONDS_PER_SECOND
        times = [self._window_ns, self._arrived_ns.get("objects")]
        if self._odometry:
            times += [self._headings.newest_ns, self._arrived_ns.get("odometry")]
        return all(time is not None and abs(now_ns - time) <= timeout_ns for time in times)

    def _hears(self) -> bool:
        """Whether something is audible, or was until just now: many sounds pause."""
        hold_ns = self.settings.target.hold_s * NANOSECONDS_PER_SECOND
        return self._heard_ns is not None and self._window_ns - self._heard_ns <= hold_ns

    def _misses_something(self) -> bool:
        """Whether something is heard that has not been seen for long enough to search for it."""
        searched_after_ns = self.settings.search_after_s * NANOSECONDS_PER_SECOND
        missed_ns = self._window_ns - self._content_ns
        return self._hears() and missed_ns >= searched_after_ns

    def _wanted(self, now_ns: int) -> Velocity:
        target = self.target(now_ns)
        if target is not None:
            self._sweep = 0
            return Velocity(self._turn_to(target.bearing), self._approach(target))
        if self.settings.search and self._is_fresh(now_ns) and self._misses_something():
            heading, rival = self._headings.at(now_ns), self._tracker.rival
            return Velocity(turn=self._sweep_from(heading) if rival is None else self._look_at(rival, heading))
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
        settings, way = self.settings, max(target.distance - self.settings.standoff, 0.0)
        brakeable = math.sqrt(2 * settings.max_forward_acceleration * way)
        return min(settings.gain * way, brakeable, settings.max_forward)

    def _look_at(self, rival: Sighting, heading: float) -> float:
        """Towards what may become the target, no faster than a sweep."""
        turn, fastest = self._turn_to(turn_between(heading, rival.bearing)), self.settings.search_turn
        return max(-fastest, min(turn, fastest))

    def _sweep_from(self, heading: float) -> float:
        """To the side with more to see; turn round so early that the robot stands still at the sector's edge."""
        half, turn = self.settings.search_sector / 2, self._velocity.turn
        edge = half - turn * turn / (2 * self.settings.max_turn_acceleration)
        if self._sweep == 0:
            self._sweep = -1 if heading > 0 and half < math.pi else 1
        elif half < math.pi and heading * self._sweep >= edge and turn * self._sweep >= 0:
            self._sweep = -self._sweep
        return self._sweep * self.settings.search_turn


def _moved(seen: Sighting | Target, heading: float, way: float) -> Sighting | Target:
    """As seen from where the robot began, if it has turned by `heading` and come `way` nearer."""
    distance = None if seen.distance is None else seen.distance + way
    return replace(seen, bearing=seen.bearing + heading, distance=distance)
