"""A robot that turns towards what sounds: the segmentation node's objects in, velocities (or goals for Nav2) out.

| topic | message | |
|---|---|---|
| sounding_object/objects | c3n_ros/SoundingObjects | in; with bearings, so the segmentation node needs the camera's camera_info |
| odom | nav_msgs/Odometry | in, only with `odometry`; else the robot is believed to turn as it is told |
| cmd_vel | geometry_msgs/Twist, or TwistStamped with `stamped` | out, mode cmd_vel; while the robot is to move, then zeros for 0.5 s |
| goal_pose | geometry_msgs/PoseStamped | out, mode nav2; needs positions (depth), the frame is the camera's |

The robot stops when no objects, or with `odometry` no odometry, came for `timeout_s`, by the clock on the wall and by their stamps;
at once when this node or its clock stalls for MAX_STALL_S. **A process that hangs or is killed publishes nothing: the base must stop
by itself when cmd_vel stays away** (diff_drive_controller: `cmd_vel_timeout`). Numbers that are not plausible are refused and said.
Stamps are compared with the node's clock: with a recording or a simulator set `use_sim_time`. Mode nav2 talks to Nav2 as RViz's goal tool does, by topic;
Nav2 turns the goal into its own frame, and needs TF from there to the camera. Without `odometry` a target that the robot turns away
from is smoothed as if it had moved.
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
GOAL_PERIOD_S = 1.0  # Nav2 plans anew for every goal
REPEAT_WARNING_AFTER_S = 10.0
ZEROS_S = 0.5  # a single zero may be lost on the way to a base that subscribes best effort
_UNIT_TOLERANCE = 0.1  # of the norm of odometry's quaternions
_REMEDIES = {
    "objects": "a number is not finite or out of range (bearing +-pi, elevation +-pi/2, position within 300 m, score 0 to 1, "
    "area within the image); check what publishes sounding_object/objects",
    "odometry": "the orientation is not a finite unit quaternion; check what publishes odom",
}


class FollowSoundNode(Guarded, Node):
    """Convert, ask the follower, publish. All callbacks run in the thread that spins the node."""

    def __init__(self, **node_options):
        """`node_options` go to rclpy's Node. Raises ValueError for a value that cannot be used, `odometry` without nav_msgs."""
        super().__init__("follow_sound", **node_options)
        self._given = declare_parameters(self, FollowParameters)
        self._follower = SoundFollower(self._given.settings, odometry=self._given.odometry)
        self._arrived_s: dict[str, float] = {}  # input -> when it came last, by the clock on the wall
        self._warned_s: dict[str, float] = {}
        self._clock_ns, self._ticked_s = 0, time.monotonic()  # the last tick at which the node's clock had moved
        self._moving, self._zeros_until_s = False, 0.0
        self._goal_ns = -NANOSECONDS_PER_SECOND
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
            given = with_changes(self._given, changes)
            self._follower.settings = given.settings
        except ValueError as error:
            return SetParametersResult(successful=False, reason=str(error))
        self._given = given
        return SetParametersResult(successful=True)

    def _on_odometry(self, message) -> None:
        stamp_ns, refused = stamp_of(message.header), self._follower.refused["odometry"]
        self._follower.turned(stamp_ns, yaw_of(message.pose.pose.orientation))
        if not self._warn_of_refused("odometry", refused):
            self._arrived_s["odometry"] = time.monotonic()
            self._warn_of_clocks("odometry", stamp_ns)

    def _on_objects(self, message: SoundingObjects) -> None:
        self._arrived_s["objects"] = time.monotonic()
        stamp_ns, sightings = stamp_of(message.header), sightings_from_objects(message)
        if message.objects and not sightings:
            self._warn("bearing", "the objects have no bearing: the segmentation node needs the camera's camera_info")
        refused = self._follower.refused["objects"]
        self._follower.see(stamp_ns, sightings, audible=message.audible)
        self._warn_of_refused("objects", refused)
        self._warn_of_clocks("objects", stamp_ns)
        if self._given.odometry and "odometry" not in self._arrived_s:
            self._warn(
                "odometry never came", "not moving: no odometry came yet; check the topic odom, or set odometry:=false"
            )
        if self._given.mode == "nav2":
            self._publish_goal(message, stamp_ns)

    def _on_time(self) -> None:
        """Publish a velocity while the robot is to move, and zeros for a while after it."""
        now_ns, now_s = self.get_clock().now().nanoseconds, time.monotonic()
        self._watch(now_ns, now_s)
        velocity = self._follower.command(now_ns)
        if velocity != STANDSTILL or self._moving:
            self._zeros_until_s = now_s + ZEROS_S
        if now_s < self._zeros_until_s:
            self._publish_velocity(velocity)
        self._moving = velocity != STANDSTILL

    def _watch(self, now_ns: int, now_s: float) -> None:
        """Stop softly where an input stays away, and at once where this loop or the node's clock stood still."""
        for name, arrived_s in self._arrived_s.items():
            if now_s - arrived_s > self._given.timeout_s:
                self._follower.forget()
                if self._moving:
                    self._warn(f"no {name}", f"stopping: no {name} came for {self._given.timeout_s} s (timeout_s)")
        stalled_s = now_s - self._ticked_s
        if stalled_s > MAX_STALL_S:
            self._follower.halt()
            if self._moving:
                self._warn(
                    "stall",
                    f"stopped: this node or its clock stood still for {stalled_s:.1f} s; "
                    "give the machine less to do, or check what publishes /clock",
                )
        if now_ns != self._clock_ns:
            self._clock_ns, self._ticked_s = now_ns, now_s

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
            self._warn(
                "goal", "no goal: the objects have no position; give the segmentation node depth, or use mode cmd_vel"
            )
            return
        goal = PoseStamped(header=message.header)
        way = max(target.distance - self._given.standoff, 0.0) * ray_of(target.bearing, target.elevation)
        goal.pose.position.x, goal.pose.position.y, goal.pose.position.z = way.tolist()
        goal.pose.orientation = facing(target.bearing, target.elevation)
        self._publisher.publish(goal)
        self._goal_ns = stamp_ns

    def _warn_of_clocks(self, name: str, stamp_ns: int) -> None:
        age_s = (self.get_clock().now().nanoseconds - stamp_ns) / NANOSECONDS_PER_SECOND
        if self._given.mode == "cmd_vel" and abs(age_s) > self._given.timeout_s:
            self._warn(
                f"clock of {name}",
                f"not moving: the stamp of {name} is {age_s:.1f} s old by this node's clock, more than timeout_s allows; "
                "with a recording or a simulator set use_sim_time",
            )

    def _warn_of_refused(self, name: str, before: int) -> bool:
        count = self._follower.refused[name]
        if count > before:
            self._warn(f"refused {name}", f"refused {count} {name} since the start: {_REMEDIES[name]}")
        return count > before

    def _warn(self, what: str, text: str) -> None:
        """Warn of `what`, not again and again. rclpy's own throttle would silence all kinds together."""
        now_s = time.monotonic()
        if now_s - self._warned_s.get(what, -REPEAT_WARNING_AFTER_S) >= REPEAT_WARNING_AFTER_S:
            self._warned_s[what] = now_s
            self.get_logger().warning(text)

    def destroy_node(self) -> None:
        """Stop the robot, if it moves, and take the node down."""
        if (self._moving or time.monotonic() < self._zeros_until_s) and self.context.ok():
            self._publish_velocity(STANDSTILL)
            self._publisher.wait_for_all_acked(Duration(seconds=ZEROS_S))
        super().destroy_node()


def yaw_of(orientation) -> float:
    """Heading of a geometry_msgs/Quaternion in a frame with z up, radians counterclockwise; NaN if its norm is not 1."""
    x, y, z, w = orientation.x, orientation.y, orientation.z, orientation.w
    if not abs(math.hypot(x, y, z, w) - 1) <= _UNIT_TOLERANCE:
        return math.nan
    return math.atan2(2 * (w * z + x * y), w * w + x * x - y * y - z * z)


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
