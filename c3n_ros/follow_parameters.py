"""Parameters of the node that turns a robot towards sounding objects."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

from c3n_ros.geometry.follow import FollowSettings
from c3n_ros.geometry.target import TargetSettings
from c3n_ros.parameters import LIVE, START, parameter


def _fixed(default: Any, description: str, **limits: Any) -> Any:
    return parameter(default, description, changes=START, **limits)


def _live(default: Any, description: str, smallest: float | None = None, largest: float | None = None) -> Any:
    return parameter(default, description, changes=LIVE, smallest=smallest, largest=largest)


_OWN, _TARGET = FollowSettings(), TargetSettings()


@dataclass(frozen=True)
class FollowParameters:
    """The node's parameters; `ros2 param describe` shows the descriptions."""

    mode: str = _fixed("cmd_vel", "Output: cmd_vel (velocities) or nav2 (goal_pose).", pattern="cmd_vel|nav2")
    stamped: bool = _fixed(False, "Publish TwistStamped instead of Twist on cmd_vel.")
    base_frame: str = _fixed("base_link", "frame_id of a TwistStamped.")
    odometry: bool = _fixed(False, "Take headings from odom (nav_msgs/Odometry) instead of integrating the commands.")
    rate: float = _fixed(20.0, "Velocities per second.", smallest=5.0, largest=200.0)
    gain: float = _live(_OWN.gain, "Turn rate per angle to the target [1/s].", 0.05, 10.0)
    max_turn: float = _live(_OWN.max_turn, "Maximum turn rate [rad/s].", 0.0, 10.0)
    max_turn_acceleration: float = _live(
        _OWN.max_turn_acceleration, "Maximum change of the turn rate [rad/s^2].", 0.01, 100.0
    )
    deadband: float = _live(_OWN.deadband, "Angle to the target below which the robot does not turn [rad].", 0.0, 1.0)
    max_forward: float = _live(
        _OWN.max_forward, "Maximum speed towards the target [m/s]; 0: turn only. Needs depth.", 0.0, 5.0
    )
    max_forward_acceleration: float = _live(
        _OWN.max_forward_acceleration, "Maximum change of the forward speed [m/s^2].", 0.01, 20.0
    )
    standoff: float = _live(_OWN.standoff, "Distance to the target at which to stop [m].", 0.0, 100.0)
    search: bool = _live(_OWN.search, "Sweep while something is audible but no sounding object is in view.")
    search_after_s: float = _live(
        _OWN.search_after_s, "Time with sound but without a target after which a sweep begins [s].", 0.0, 60.0
    )
    search_turn: float = _live(_OWN.search_turn, "Turn rate of a sweep [rad/s].", 0.0, 10.0)
    search_sector: float = _live(
        _OWN.search_sector,
        "Sector of headings that a sweep covers, centred on the initial heading [rad]; 2 pi: full circles.",
        0.0,
        2 * math.pi,
    )
    timeout_s: float = _live(_OWN.timeout_s, "Time without a new window after which the robot stops [s].", 0.1, 60.0)
    hold_s: float = _live(_TARGET.hold_s, "How long to keep following a target after it was last seen [s].", 0.0, 60.0)
    switch_s: float = _live(
        _TARGET.switch_s,
        "How long another object must be the better target before the robot switches to it [s].",
        0.0,
        60.0,
    )
    confirm_s: float = _live(
        _TARGET.confirm_s,
        "How long the first target must be seen before the robot follows it [s]; 0: one detection is enough.",
        0.0,
        60.0,
    )
    min_weight: float = _live(_TARGET.min_weight, "Minimum score x fraction of the image of a target.", 0.0, 1.0)
    margin: float = _live(
        _TARGET.margin,
        "Factor by which another object's score x area must exceed the target's to be better.",
        1.0,
        100.0,
    )
    smoothing_s: float = _live(
        _TARGET.smoothing_s, "Time constant of the filter on bearing and distance [s]; 0: no filter.", 0.0, 10.0
    )
    gate: float = _live(_TARGET.gate, "Maximum angle between two detections of the same object [rad].", 0.01, 3.15)

    @property
    def settings(self) -> FollowSettings:
        """The settings of the follower."""
        target = {entry.name: getattr(self, entry.name) for entry in fields(TargetSettings)}
        own = {entry.name: getattr(self, entry.name) for entry in fields(FollowSettings) if entry.name != "target"}
        return FollowSettings(**own, target=TargetSettings(**target))
