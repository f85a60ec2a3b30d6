"""A robot that turns towards what sounds: the segmentation node's objects in, velocities (or goals for Nav2) out.

| topic | message | |
|---|---|---|
| sounding_object/objects | c3n_ros/SoundingObjects | in; with bearings, so the segmentation node needs the camera's camera_info |
| odom | nav_msgs/Odometry | in, only with `odometry`; else the robot is believed to turn as it is told |
| cmd_vel | geometry_msgs/Twist, or TwistStamped with `stamped` | out, mode cmd_vel; only while the robot is to move, then one zero |
| goal_pose | geometry_msgs/PoseStamped | out, mode nav2; needs positions (depth), the frame is the camera's |

The robot stops when nothing new came for `timeout_s`, by the clock on the wall and by the images' stamps. Stamps are compared with
the node's clock: with a recording or a simulator set `use_sim_time`. Mode nav2 talks to Nav2 as RViz's goal tool does, by topic;
Nav2 turns the goal into its own frame, and needs TF from there to the camera. Without `odometry` a target that the robot turns away
from is smoothed as if it had moved.
"""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, fields
from typing import Any

from geometry_msgs.msg import PoseStamped, Twist, TwistStamped
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions

from c3n_model.sources.messages import stamp_of
from c3n_model.types import NANOSECONDS_PER_SECOND
from c3n_ros.camera import ray_of
from c3n_ros.conversions import sightings_from_objects
from c3n_ros.follow import STANDSTILL, FollowSettings, SoundFollower, Velocity
from c3n_ros.message_types import message_class
from c3n_ros.msg import SoundingObjects
from c3n_ros.parameters import LIVE, START, declare_parameters, parameter, with_changes
from c3n_ros.poses import facing
from c3n_ros.ros_guard import Guarded
from c3n_ros.run_node import run, spin
from c3n_ros.target import TargetSettings

OBJECTS_DEPTH, ODOMETRY_DEPTH, OUTPUT_DEPTH = 5, 50, 1
GOAL_PERIOD_S = 1.0  # Nav2 plans anew for every goal
REPEAT_WARNING_AFTER_S = 10.0


def _fixed(default: Any, description: str, **limits: Any) -> Any:
    return parameter(default, description, changes=START, **limits)


def _live(default: Any, description: str, smallest: float | None = None, largest: float | None = None) -> Any:
    return parameter(default, description, changes=LIVE, smallest=smallest, largest=largest)


_OWN, _TARGET = FollowSettings(), TargetSettings()


@dataclass(frozen=True)
class FollowParameters:
    """What the node was told; the field descriptions are what `ros2 param describe` shows."""

    mode: str = _fixed("cmd_vel", "What goes out: cmd_vel (velocities) or nav2 (goal_pose).", pattern="cmd_vel|nav2")
    stamped: bool = _fixed(False, "Publish TwistStamped instead of Twist on cmd_vel.")
    base_frame: str = _fixed("base_link", "frame_id of a TwistStamped.")
    odometry: bool = _fixed(False, "Take headings from odom (nav_msgs/Odometry) instead of adding up the commands.")
    rate: float = _fixed(20.0, "Velocities per second.", smallest=1.0, largest=200.0)
    gain: float = _live(_OWN.gain, "Rate of turn per angle to the target, 1/s.", 0.05, 10.0)
    max_turn: float = _live(_OWN.max_turn, "Fastest turn, rad/s.", 0.0, 10.0)
    max_turn_acceleration: float = _live(
        _OWN.max_turn_acceleration, "Fastest change of the rate of turn, rad/s^2.", 0.01, 100.0
    )
    deadband: float = _live(_OWN.deadband, "Angle to the target, rad, below which the robot stands still.", 0.0, 1.0)
    max_forward: float = _live(
        _OWN.max_forward, "Fastest motion towards the target, m/s; 0: turn only. Needs depth.", 0.0, 5.0
    )
    max_forward_acceleration: float = _live(
        _OWN.max_forward_acceleration, "Fastest change of the forward speed, m/s^2.", 0.01, 20.0
    )
    standoff: float = _live(_OWN.standoff, "Distance to the target at which to stop, m.", 0.0, 100.0)
    search: bool = _live(_OWN.search, "Sweep while something is audible but nothing that sounds is in view.")
    search_after_s: float = _live(
        _OWN.search_after_s, "Seconds without a target, but with sound, after which a sweep begins.", 0.0, 60.0
    )
    search_turn: float = _live(_OWN.search_turn, "Rate of turn of a sweep, rad/s.", 0.0, 10.0)
    search_sector: float = _live(
        _OWN.search_sector,
        "Sector of headings that a sweep covers, rad, centred where the robot started; 2 pi: full circles.",
        0.0,
        2 * math.pi,
    )
    timeout_s: float = _live(_OWN.timeout_s, "Seconds without a new window after which the robot stops.", 0.1, 60.0)
    hold_s: float = _live(_TARGET.hold_s, "Seconds for which a target that is not seen is still gone for.", 0.0, 60.0)
    switch_s: float = _live(
        _TARGET.switch_s, "Seconds for which another object must be the better target to become it.", 0.0, 60.0
    )
    confirm_s: float = _live(
        _TARGET.confirm_s, "Seconds for which the first target must have been seen; 0: once is enough.", 0.0, 60.0
    )
    min_weight: float = _live(
        _TARGET.min_weight, "Score times part of the picture below which an object is no target.", 0.0, 1.0
    )
    margin: float = _live(
        _TARGET.margin, "How many times the target's score x area another object must have to be better.", 1.0, 100.0
    )
    smoothing_s: float = _live(
        _TARGET.smoothing_s, "Time constant of the filter on bearing and distance, s; 0: none.", 0.0, 10.0
    )
    gate: float = _live(
        _TARGET.gate, "Angle, rad, within which an object is taken for the same one as before.", 0.01, 3.15
    )

    @property
    def settings(self) -> FollowSettings:
        """What the follower is to know of them."""
        target = {entry.name: getattr(self, entry.name) for entry in fields(TargetSettings)}
        own = {entry.name: getattr(self, entry.name) for entry in fields(FollowSettings) if entry.name != "target"}
        return FollowSettings(**own, target=TargetSettings(**target))


class FollowSoundNode(Guarded, Node):
    """Convert, ask the follower, publish. All callbacks run in the thread that spins the node."""

    def __init__(self, **node_options):
        """`node_options` go to rclpy's Node. Raises ValueError for a value that cannot be used, `odometry` without nav_msgs."""
        super().__init__("follow_sound", **node_options)
        self._given = declare_parameters(self, FollowParameters)
        self._follower = SoundFollower(self._given.settings, odometry=self._given.odometry)
        self._arrived_s: float | None = None  # by the clock on the wall
        self._moving, self._goal_ns = False, -NANOSECONDS_PER_SECOND
        self._create_publisher()
        self._create_subscriptions()
        self.add_on_set_parameters_callback(self._on_parameters)
        if self._given.mode == "cmd_vel":
            steady = Clock(clock_type=ClockType.STEADY_TIME)
            self.create_timer(1 / self._given.rate, self._on_time, clock=steady)

    def _create_publisher(self) -> None:
        given = self._given
        kind, topic = (TwistStamped if given.stamped else Twist), "cmd_vel"
        if given.mode == "nav2":
            kind, topic = PoseStamped, "goal_pose"
        profile = QoSProfile(depth=OUTPUT_DEPTH, reliability=ReliabilityPolicy.RELIABLE)
        self._publisher = self.create_publisher(
            kind, topic, profile, qos_overriding_options=QoSOverridingOptions.with_default_policies()
        )

    def on_callback_failure(self, source: str) -> None:
        """Stop the robot where its control loop failed: the last velocity must not outlive it."""
        if source.startswith("timer"):
            self._publish_velocity(STANDSTILL)

    def _create_subscriptions(self) -> None:
        # Best effort matches every publisher.
        wanted = [(SoundingObjects, "sounding_object/objects", self._on_objects, OBJECTS_DEPTH)]
        if self._given.odometry:
            wanted.append((message_class("nav_msgs/msg/Odometry"), "odom", self._on_odometry, ODOMETRY_DEPTH))
        for kind, topic, callback, depth in wanted:
            profile = QoSProfile(depth=depth, reliability=ReliabilityPolicy.BEST_EFFORT)
            self.create_subscription(
                kind, topic, callback, profile, qos_overriding_options=QoSOverridingOptions.with_default_policies()
            )

    def _on_parameters(self, changes: list[Parameter]) -> SetParametersResult:
        try:
            self._given = with_changes(self._given, changes)
        except ValueError as error:
            return SetParametersResult(successful=False, reason=str(error))
        self._follower.settings = self._given.settings
        return SetParametersResult(successful=True)

    def _on_odometry(self, message) -> None:
        self._follower.turned(stamp_of(message.header), yaw_of(message.pose.pose.orientation))

    def _on_objects(self, message: SoundingObjects) -> None:
        self._arrived_s = time.monotonic()
        stamp_ns, sightings = stamp_of(message.header), sightings_from_objects(message)
        if message.objects and not sightings:
            self._warn("the objects have no bearing: the segmentation node needs the camera's camera_info")
        self._warn_of_clocks(stamp_ns)
        self._follower.see(stamp_ns, sightings, audible=message.audible)
        if self._given.mode == "nav2":
            self._publish_goal(message, stamp_ns)

    def _on_time(self) -> None:
        if self._arrived_s is not None and time.monotonic() - self._arrived_s > self._given.timeout_s:
            self._follower.forget()
        velocity = self._follower.command(self.get_clock().now().nanoseconds)
        if velocity != STANDSTILL or self._moving:
            self._publish_velocity(velocity)
        self._moving = velocity != STANDSTILL

    def _publish_velocity(self, velocity: Velocity) -> None:
        twist = Twist()
        twist.linear.x, twist.angular.z = velocity.forward, velocity.turn
        if self._given.stamped:
            stamped = TwistStamped(twist=twist)
            stamped.header.stamp = self.get_clock().now().to_msg()
            stamped.header.frame_id = self._given.base_frame
            twist = stamped
        self._publisher.publish(twist)

    def _publish_goal(self, message: SoundingObjects, stamp_ns: int) -> None:
        """The target of this very window as a goal, `standoff` before it, facing it."""
        target = self._follower.target(stamp_ns)
        if target is None or target.seen_ns != stamp_ns:
            return
        if 0 <= stamp_ns - self._goal_ns < GOAL_PERIOD_S * NANOSECONDS_PER_SECOND:
            return
        if target.distance is None:
            self._warn("no goal: the objects have no position; give the segmentation node depth, or use mode cmd_vel")
            return
        goal = PoseStamped(header=message.header)
        way = max(target.distance - self._given.standoff, 0.0) * ray_of(target.bearing, target.elevation)
        goal.pose.position.x, goal.pose.position.y, goal.pose.position.z = way.tolist()
        goal.pose.orientation = facing(target.bearing, target.elevation)
        self._publisher.publish(goal)
        self._goal_ns = stamp_ns

    def _warn_of_clocks(self, stamp_ns: int) -> None:
        age_s = (self.get_clock().now().nanoseconds - stamp_ns) / NANOSECONDS_PER_SECOND
        if self._given.mode == "cmd_vel" and abs(age_s) > self._given.timeout_s:
            self._warn(
                f"not moving: the image is {age_s:.1f} s old by this node's clock, more than timeout_s allows; "
                "with a recording or a simulator set use_sim_time"
            )

    def _warn(self, text: str) -> None:
        self.get_logger().warning(text, throttle_duration_sec=REPEAT_WARNING_AFTER_S)

    def destroy_node(self) -> None:
        """Stop the robot, if it moves, and take the node down."""
        if self._moving and self.context.ok():
            self._publish_velocity(STANDSTILL)
        super().destroy_node()


def yaw_of(orientation) -> float:
    """Heading of a geometry_msgs/Quaternion in a frame with z up, radians counterclockwise."""
    x, y, z, w = orientation.x, orientation.y, orientation.z, orientation.w
    return math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))


def main() -> int:
    """Run until a signal; 1 with one line where the node cannot start."""

    def work(stop: threading.Event) -> None:
        node = FollowSoundNode()
        try:
            spin(node, stop)
        finally:
            node.destroy_node()

    return run("follow_sound", work)


if __name__ == "__main__":
    raise SystemExit(main())
