"""Turns a robot towards sounding objects: the segmentation node's objects in, velocities (or goals for Nav2) out.

| topic | message | |
|---|---|---|
| sounding_object/objects | c3n_ros/SoundingObjects | in; with bearings, so the segmentation node needs the camera's camera_info |
| odom | nav_msgs/Odometry | in, only with `odometry`; otherwise the robot is assumed to execute its commands |
| cmd_vel | geometry_msgs/Twist, or TwistStamped with `stamped` | out, mode cmd_vel; while the robot should move, then zeros for 0.5 s |
| goal_pose | geometry_msgs/PoseStamped | out, mode nav2; needs positions (depth), the frame is the camera's |

The robot stops when no objects, or with `odometry` no odometry, arrived for `timeout_s`, by a steady clock and by their stamps; it
stops at once when this node or its clock stalls for MAX_STALL_S. **A process that hangs or is killed publishes nothing: the base must
stop by itself when cmd_vel stops** (diff_drive_controller: `cmd_vel_timeout`). Implausible numbers are rejected and logged.
Stamps are compared with the node's clock: with a recording or a simulator set `use_sim_time`. Mode nav2 uses the topic of RViz's goal
tool; Nav2 transforms the goal to its own frame, and needs TF from there to the camera. Without `odometry` a target that the robot
turns away from is smoothed as if it had moved.
"""

from __future__ import annotations

import math
import threading
import time

from geometry_msgs.msg import PoseStamped, Twist, TwistStamped
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions

from c3n_model.messages.stamps import stamp_of
from c3n_model.types import NANOSECONDS_PER_SECOND
from c3n_ros.follow_parameters import FollowParameters
from c3n_ros.geometry.camera import ray_of
from c3n_ros.geometry.follow import MAX_STALL_S, SoundFollower
from c3n_ros.geometry.velocity import STANDSTILL, Velocity
from c3n_ros.health.ros_guard import Guarded
from c3n_ros.messages.conversions import sightings_from_objects
from c3n_ros.messages.message_types import message_class
from c3n_ros.messages.poses import facing
from c3n_ros.msg import SoundingObjects
from c3n_ros.parameters import declare_parameters, with_changes
from c3n_ros.run_node import run, spin

OBJECTS_DEPTH, ODOMETRY_DEPTH, OUTPUT_DEPTH = 5, 50, 1
GOAL_PERIOD_S = 1.0  # Nav2 replans for every goal
REPEAT_WARNING_AFTER_S = 10.0
ZEROS_S = 0.5  # a single zero may be lost if the base subscribes best effort
_UNIT_TOLERANCE = 0.1  # of the norm of odometry's quaternions
_REMEDIES = {
    "objects": "a number is not finite or out of range (bearing +-pi, elevation +-pi/2, position within 300 m, score 0 to 1, "
    "area within the image); check what publishes sounding_object/objects",
    "odometry": "the orientation is not a finite unit quaternion; check what publishes odom",
}


class FollowSoundNode(Guarded, Node):
    """Converts messages, steps the follower and publishes. All callbacks run in the executor's thread."""

    def __init__(self, **node_options):
        """`node_options` go to rclpy's Node. Raises ValueError for an invalid parameter, or `odometry` without nav_msgs."""
        super().__init__("follow_sound", **node_options)
        self._settings = declare_parameters(self, FollowParameters)
        self._follower = SoundFollower(self._settings.settings, odometry=self._settings.odometry)
        self._arrived_s: dict[str, float] = {}  # input -> its last arrival (time.monotonic)
        self._warned_s: dict[str, float] = {}
        self._clock_ns, self._ticked_s = 0, time.monotonic()  # the last tick at which the node's clock had moved
        self._moving, self._zeros_until_s = False, 0.0
        self._goal_ns = -NANOSECONDS_PER_SECOND
        self._create_publisher()
        self._create_subscriptions()
        self.add_on_set_parameters_callback(self._on_parameters)
        if self._settings.mode == "cmd_vel":
            steady = Clock(clock_type=ClockType.STEADY_TIME)
            self.create_timer(1 / self._settings.rate, self._on_time, clock=steady)

    def _create_publisher(self) -> None:
        settings = self._settings
        kind, topic = (TwistStamped if settings.stamped else Twist), "cmd_vel"
        if settings.mode == "nav2":
            kind, topic = PoseStamped, "goal_pose"
        profile = QoSProfile(depth=OUTPUT_DEPTH, reliability=ReliabilityPolicy.RELIABLE)
        self._publisher = self.create_publisher(
            kind, topic, profile, qos_overriding_options=QoSOverridingOptions.with_default_policies()
        )

    def on_callback_failure(self, source: str) -> None:
        """Stop the robot if its control loop failed: the last velocity must not persist."""
        if source.startswith("timer"):
            self._publish_velocity(STANDSTILL)

    def _create_subscriptions(self) -> None:
        # Best effort matches every publisher.
        inputs = [(SoundingObjects, "sounding_object/objects", self._on_objects, OBJECTS_DEPTH)]
        if self._settings.odometry:
            inputs.append((message_class("nav_msgs/msg/Odometry"), "odom", self._on_odometry, ODOMETRY_DEPTH))
        for kind, topic, callback, depth in inputs:
            profile = QoSProfile(depth=depth, reliability=ReliabilityPolicy.BEST_EFFORT)
            self.create_subscription(
                kind, topic, callback, profile, qos_overriding_options=QoSOverridingOptions.with_default_policies()
            )

    def _on_parameters(self, changes: list[Parameter]) -> SetParametersResult:
        try:
            settings = with_changes(self._settings, changes)
            self._follower.settings = settings.settings
        except ValueError as error:
            return SetParametersResult(successful=False, reason=str(error))
        self._settings = settings
        return SetParametersResult(successful=True)

    def _on_odometry(self, message) -> None:
        stamp_ns, rejected = stamp_of(message.header), self._follower.rejected["odometry"]
        self._follower.add_heading(stamp_ns, yaw_of(message.pose.pose.orientation))
        if not self._warn_if_rejected("odometry", rejected):
            self._arrived_s["odometry"] = time.monotonic()
            self._warn_if_old("odometry", stamp_ns)

    def _on_objects(self, message: SoundingObjects) -> None:
        self._arrived_s["objects"] = time.monotonic()
        stamp_ns, sightings = stamp_of(message.header), sightings_from_objects(message)
        if message.objects and not sightings:
            self._warn("bearing", "the objects have no bearing: the segmentation node needs the camera's camera_info")
        rejected = self._follower.rejected["objects"]
        self._follower.add_objects(stamp_ns, sightings, audible=message.audible)
        self._warn_if_rejected("objects", rejected)
        self._warn_if_old("objects", stamp_ns)
        if self._settings.odometry and "odometry" not in self._arrived_s:
            self._warn(
                "no odometry yet", "not moving: no odometry arrived yet; check the topic odom, or set odometry:=false"
            )
        if self._settings.mode == "nav2":
            self._publish_goal(message, stamp_ns)

    def _on_time(self) -> None:
        """Publish a velocity while the robot should move, and zeros for a while afterwards."""
        now_ns, now_s = self.get_clock().now().nanoseconds, time.monotonic()
        self._check_inputs(now_ns, now_s)
        velocity = self._follower.command(now_ns)
        if velocity != STANDSTILL or self._moving:
            self._zeros_until_s = now_s + ZEROS_S
        if now_s < self._zeros_until_s:
            self._publish_velocity(velocity)
        self._moving = velocity != STANDSTILL

    def _check_inputs(self, now_ns: int, now_s: float) -> None:
        """Decelerate if an input is missing, and stop at once if this loop or the node's clock stalled."""
        for name, arrived_s in self._arrived_s.items():
            if now_s - arrived_s > self._settings.timeout_s:
                self._follower.forget()
                if self._moving:
                    self._warn(
                        f"no {name}", f"stopping: no {name} arrived for {self._settings.timeout_s} s (timeout_s)"
                    )
        stalled_s = now_s - self._ticked_s
        if stalled_s > MAX_STALL_S:
            self._follower.halt()
            if self._moving:
                self._warn(
                    "stall",
                    f"stopped: this node or its clock stalled for {stalled_s:.1f} s; "
                    "reduce the load on the machine, or check what publishes /clock",
                )
        if now_ns != self._clock_ns:
            self._clock_ns, self._ticked_s = now_ns, now_s

    def _publish_velocity(self, velocity: Velocity) -> None:
        twist = Twist()
        twist.linear.x, twist.angular.z = velocity.forward, velocity.turn
        if self._settings.stamped:
            stamped = TwistStamped(twist=twist)
            stamped.header.stamp = self.get_clock().now().to_msg()
            stamped.header.frame_id = self._settings.base_frame
            twist = stamped
        self._publisher.publish(twist)

    def _publish_goal(self, message: SoundingObjects, stamp_ns: int) -> None:
        """Publish the target of this window as a goal at distance `standoff` from it, facing it."""
        target = self._follower.target(stamp_ns)
        if target is None or target.seen_ns != stamp_ns:
            return
        if 0 <= stamp_ns - self._goal_ns < GOAL_PERIOD_S * NANOSECONDS_PER_SECOND:
            return
        if target.distance is None:
            self._warn(
                "goal",
                "no goal: the objects have no position; connect depth to the segmentation node, or use mode cmd_vel",
            )
            return
        goal = PoseStamped(header=message.header)
        offset = max(target.distance - self._settings.standoff, 0.0) * ray_of(target.bearing, target.elevation)
        goal.pose.position.x, goal.pose.position.y, goal.pose.position.z = offset.tolist()
        goal.pose.orientation = facing(target.bearing, target.elevation)
        self._publisher.publish(goal)
        self._goal_ns = stamp_ns

    def _warn_if_old(self, name: str, stamp_ns: int) -> None:
        age_s = (self.get_clock().now().nanoseconds - stamp_ns) / NANOSECONDS_PER_SECOND
        if self._settings.mode == "cmd_vel" and abs(age_s) > self._settings.timeout_s:
            self._warn(
                f"clock of {name}",
                f"not moving: the stamp of {name} is {age_s:.1f} s old by this node's clock, which exceeds timeout_s; "
                "with a recording or a simulator set use_sim_time",
            )

    def _warn_if_rejected(self, name: str, before: int) -> bool:
        count = self._follower.rejected[name]
        if count > before:
            self._warn(f"refused {name}", f"rejected {count} {name} since the start: {_REMEDIES[name]}")
        return count > before

    def _warn(self, topic: str, text: str) -> None:
        """Log a warning at a limited rate per `topic`. rclpy's own throttle would silence all of them together."""
        now_s = time.monotonic()
        if now_s - self._warned_s.get(topic, -REPEAT_WARNING_AFTER_S) >= REPEAT_WARNING_AFTER_S:
            self._warned_s[topic] = now_s
            self.get_logger().warning(text)

    def destroy_node(self) -> None:
        """Stop the robot, if it moves, and destroy the node."""
        if (self._moving or time.monotonic() < self._zeros_until_s) and self.context.ok():
            self._publish_velocity(STANDSTILL)
            self._publisher.wait_for_all_acked(Duration(seconds=ZEROS_S))
        super().destroy_node()


def yaw_of(orientation) -> float:
    """Return the heading of a geometry_msgs/Quaternion in a frame with z up, radians counterclockwise; NaN if its norm is not 1."""
    x, y, z, w = orientation.x, orientation.y, orientation.z, orientation.w
    if not abs(math.hypot(x, y, z, w) - 1) <= _UNIT_TOLERANCE:
        return math.nan
    return math.atan2(2 * (w * z + x * y), w * w + x * x - y * y - z * z)


def main() -> int:
    """Run until a signal; return 1 after one line if the node cannot start."""

    def work(stop: threading.Event) -> None:
        node = FollowSoundNode()
        try:
            spin(node, stop)
        finally:
            node.destroy_node()

    return run("follow_sound", work)


if __name__ == "__main__":
    raise SystemExit(main())
