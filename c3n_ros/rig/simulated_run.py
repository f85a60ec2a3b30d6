"""Simulates a robot that turns in a room, with the real pipeline: frames and sound, windows, network, directions, target,
controller. The ground truth is used for scoring only. Time is simulated, so that a run depends on its seed alone, not on the
machine's speed.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from c3n_model.streaming.session import Session
from c3n_model.streaming.windows import WindowAssembler, WindowRules
from c3n_model.synthetic import world
from c3n_model.types import NANOSECONDS_PER_SECOND, AudioChunk, Frame, Segmentation, Window
from c3n_ros.geometry.camera import Camera
from c3n_ros.geometry.direction import with_directions
from c3n_ros.geometry.follow import FollowSettings, SoundFollower, Velocity
from c3n_ros.geometry.target import TargetSettings, sightings_of, turn_between
from c3n_ros.rig.simulated_room import FIELD_OF_VIEW, PHASE_S, Room, camera

TICK_NS = NANOSECONDS_PER_SECOND // 25  # of camera, sound and controller
LATENCY_NS = 3 * TICK_NS  # from the end of a window to its result
HOP_NS = NANOSECONDS_PER_SECOND // 4
SETTLE_S, FACING_DEG = 5, 5.0
FOLLOW = FollowSettings(
    max_turn=2.0,
    max_turn_acceleration=4.0,
    search=True,
    search_after_s=0.3,
    search_turn=1.4,
    search_sector=math.radians(90),  # the camera looks 80 degrees to both sides
    target=TargetSettings(hold_s=0.5, switch_s=0.45, confirm_s=0.2, min_weight=0.015),
)


@dataclass
class Robot:
    """An ideal robot that turns on the spot: it executes commands within its limits. Radians, seconds."""

    heading: float
    turn: float = 0.0
    max_turn: float = 2.0
    max_acceleration: float = 4.0

    def advance(self, command: Velocity, elapsed_s: float) -> None:
        """Turn for `elapsed_s`."""
        step = self.max_acceleration * elapsed_s
        self.turn += float(np.clip(np.clip(command.turn, -self.max_turn, self.max_turn) - self.turn, -step, step))
        self.heading += self.turn * elapsed_s


@dataclass(frozen=True)
class StampedView:
    """A camera image that is rendered only if a window uses it."""

    stamp_ns: int
    heading: float


@dataclass(frozen=True)
class Change:
    """One change of source: facing errors in degrees, `errors` per tick until the next one."""

    errors: np.ndarray

    @property
    def in_view(self) -> bool:
        """Whether the camera saw the middle of the new source when it began."""
        return bool(self.errors[0] < math.degrees(FIELD_OF_VIEW) / 2)

    @property
    def error_deg(self) -> float:
        """The facing error five seconds after the change."""
        return float(self.errors[ticks(SETTLE_S)])

    @property
    def settled_s(self) -> float:
        """When the error finally fell below 5 degrees; infinite if it did not."""
        outside = np.flatnonzero(self.errors >= FACING_DEG)
        if len(outside) == 0:
            return 0.0
        last = int(outside[-1]) + 1
        return math.inf if last == len(self.errors) else last * TICK_NS / NANOSECONDS_PER_SECOND


@dataclass(frozen=True)
class Run:
    """The course of a run: per tick the robot's `headings`, radians, and facing `errors`, degrees to the source,
    positive to its left (NaN in silence); and the segmentations, each with the tick of its arrival."""

    room: Room
    headings: np.ndarray
    errors: np.ndarray
    results: tuple[tuple[int, Segmentation], ...]

    @property
    def changes(self) -> list[Change]:
        """The facing errors after each change of source."""
        return [Change(np.abs(self.errors[ticks(second) : ticks(second + PHASE_S)])) for second in self.room.changes]


def drive(room: Room, session: Session, start_heading: float) -> Run:
    """Simulate one run from a heading in radians until the room's sound ends."""
    robot, follower, eye = Robot(start_heading), SoundFollower(FOLLOW, odometry=True), camera()
    windows: WindowAssembler[StampedView] = WindowAssembler(session.model.sample_rate, rules=WindowRules(hop_ns=HOP_NS))
    session.reset()
    pending: deque[tuple[int, Segmentation]] = deque()
    headings, errors, results = [], [], []
    chunk_samples = world.SAMPLE_RATE * TICK_NS // NANOSECONDS_PER_SECOND
    for tick in range(room.seconds * NANOSECONDS_PER_SECOND // TICK_NS):
        now_ns = tick * TICK_NS
        headings.append(robot.heading)
        source = room.source(now_ns / NANOSECONDS_PER_SECOND)
        errors.append(np.nan if source is None else math.degrees(turn_between(robot.heading, source.heading)))
        follower.add_heading(now_ns, robot.heading)
        windows.add_frame(StampedView(now_ns, robot.heading))
        for window in windows.ready():
            pending.append((now_ns + LATENCY_NS, _segmented(window, room, session, eye)))
        while pending and pending[0][0] <= now_ns:
            segmentation = pending.popleft()[1]
            audible = segmentation.presence.audible
            follower.add_objects(segmentation.stamp_ns, sightings_of(segmentation), audible=audible)
            results.append((tick, segmentation))
        robot.advance(follower.command(now_ns), TICK_NS / NANOSECONDS_PER_SECOND)
        samples = room.sound[tick * chunk_samples : (tick + 1) * chunk_samples, None]
        windows.add_audio(AudioChunk(samples, world.SAMPLE_RATE, now_ns))
    return Run(room, np.array(headings), np.array(errors), tuple(results))


def _segmented(window: Window[StampedView], room: Room, session: Session, eye: Camera) -> Segmentation:
    view = window.frame
    frame = Frame(room.view(view.heading), view.stamp_ns, "camera_optical")
    return with_directions(session.step(window.with_frame(frame)), eye)


def ticks(seconds: float) -> int:
    """Convert seconds to ticks."""
    return round(seconds * NANOSECONDS_PER_SECOND / TICK_NS)
