"""The robot turns towards the sound, in simulation. `make simulate` runs this in the workspace.

A camera that turns in a room of the synthetic world, and the pipeline of the real robot behind it: frames and sound, windows,
network, directions, target, controller. The truth is used for scoring only. Time is simulated, so the result depends on the
seed alone, and not on the machine's speed.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import sys
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from c3n_model.data import synthetic_world as world
from c3n_model.loading import load_model
from c3n_model.progress import Progress, bar
from c3n_model.streaming.session import Session
from c3n_model.streaming.windows import WindowAssembler, WindowRules
from c3n_model.types import NANOSECONDS_PER_SECOND, AudioChunk, Frame, Segmentation, Window
from c3n_ros.direction import with_directions
from c3n_ros.follow import FollowSettings, SoundFollower, Velocity
from c3n_ros.simulated_room import PHASE_S, REACH, Room, camera, make_room
from c3n_ros.target import TargetSettings, sightings_of, turn_between

RUNS = 50
TICK_NS = NANOSECONDS_PER_SECOND // 25  # of camera, sound and controller
LATENCY_NS = 3 * TICK_NS  # from the end of a window to its result
HOP_NS = NANOSECONDS_PER_SECOND // 4
SETTLE_S, FACING_DEG = 5, 5.0
FOLLOW = FollowSettings(
    max_turn=1.5,
    max_turn_acceleration=3.0,
    search=True,
    search_turn=1.2,
    search_sector=math.radians(110),  # so that the camera looks 90 degrees to both sides
    target=TargetSettings(hold_s=0.9, switch_s=0.45, confirm_s=0.2, min_weight=0.015),
)


@dataclass
class Robot:
    """An ideal robot that turns on the spot: it does what it is told within what it can do. Radians, seconds."""

    heading: float
    turn: float = 0.0
    max_turn: float = 2.0
    max_acceleration: float = 4.0

    def advance(self, wanted: Velocity, elapsed_s: float) -> None:
        """Turn for a while."""
        step = self.max_acceleration * elapsed_s
        self.turn += float(np.clip(np.clip(wanted.turn, -self.max_turn, self.max_turn) - self.turn, -step, step))
        self.heading += self.turn * elapsed_s


@dataclass(frozen=True)
class StampedView:
    """A camera image that is painted only if a window uses it."""

    stamp_ns: int
    heading: float


@dataclass(frozen=True)
class Run:
    """What happened in a room: per tick the robot's `headings` and the `errors` to what sounds (NaN in silence), radians; and
    the segmentations with the tick at which each came."""

    room: Room
    headings: np.ndarray
    errors: np.ndarray
    results: tuple[tuple[int, Segmentation], ...]


def drive(room: Room, session: Session, start_heading: float, hop_ns: int = HOP_NS) -> Run:
    """One run, from a heading, radians: the robot hears, sees and turns until the room's sound ends."""
    robot, follower, eye = Robot(start_heading), SoundFollower(FOLLOW), camera()
    windows = WindowAssembler(session.model.sample_rate, rules=WindowRules(hop_ns=hop_ns))
    session.reset()
    coming: deque[tuple[int, Segmentation]] = deque()
    headings, errors, results = [], [], []
    chunk_samples = world.SAMPLE_RATE * TICK_NS // NANOSECONDS_PER_SECOND
    for tick in range(room.seconds * NANOSECONDS_PER_SECOND // TICK_NS):
        now_ns = tick * TICK_NS
        headings.append(robot.heading)
        source = room.source(now_ns / NANOSECONDS_PER_SECOND)
        errors.append(np.nan if source is None else turn_between(robot.heading, source.heading))
        follower.turned(now_ns, robot.heading)
        windows.add_frame(StampedView(now_ns, robot.heading))
        for window in windows.ready():
            coming.append((now_ns + LATENCY_NS, _segmented(window, room, session, eye)))
        while coming and coming[0][0] <= now_ns:
            segmentation = coming.popleft()[1]
            follower.see(segmentation.stamp_ns, sightings_of(segmentation), segmentation.presence.audible)
            results.append((tick, segmentation))
        robot.advance(follower.command(now_ns), TICK_NS / NANOSECONDS_PER_SECOND)
        samples = room.sound[tick * chunk_samples : (tick + 1) * chunk_samples, None]
        windows.add_audio(AudioChunk(samples, world.SAMPLE_RATE, now_ns))
    return Run(room, np.array(headings), np.array(errors), tuple(results))


def _segmented(window: Window, room: Room, session: Session, eye) -> Segmentation:
    view = window.frame
    frame = Frame(room.view(view.heading), view.stamp_ns, "camera_optical")
    return with_directions(session.step(replace(window, frame=frame)), eye)
