"""The node that follows sounds, over real DDS."""

import math
import os
import random
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped, Quaternion, Twist, TwistStamped
from rclpy.exceptions import ParameterException
from rclpy.node import Node
from rclpy.parameter import Parameter
from rosgraph_msgs.msg import Clock
from sounding import segmentation

from c3n_ros import follow_sound_node
from c3n_ros.conversions import objects_message, time_message
from c3n_ros.follow_parameters import FollowParameters
from c3n_ros.follow_sound_node import ZEROS_S, FollowSoundNode, yaw_of
from c3n_ros.msg import SoundingObject, SoundingObjects

SHIPPED = Path(__file__).resolve().parents[2] / "config/follow_sound.yaml"


class Watcher(Node):
    """Says what sounds, and hears what the robot is told."""

    def __init__(self, kind=Twist, topic="cmd_vel"):
        super().__init__("watcher")
        self.objects = self.create_publisher(SoundingObjects, "sounding_object/objects", 10)
        self.told = []
        self.create_subscription(kind, topic, self.told.append, 10)

    def wait_for_node(self, topic="cmd_vel"):
        assert wait_until(lambda: self.objects.get_subscription_count() and self.count_publishers(topic))
        time.sleep(0.3)  # the graph knows of a publisher a little before it is connected

    def see(self, bearing, position=None, age_s=0.0):
        message = objects_message(segmentation(bearing=bearing, position=position))
        message.header.stamp = time_message(time.time_ns() - round(age_s * 1e9))
        self.objects.publish(message)


def wait_until(condition, timeout_s=15.0):
    deadline = time.monotonic() + timeout_s
    while not (true := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(true)


def make_node(**parameters):
    return FollowSoundNode(parameter_overrides=[Parameter(name, value=value) for name, value in parameters.items()])


def test_it_turns_left_to_a_sound_on_the_left_and_stops_when_nothing_comes_any_more(spin):
    watcher = Watcher()
    spin(make_node(timeout_s=0.4, rate=50.0), watcher)
    watcher.wait_for_node()
    watcher.see(0.8)
    assert wait_until(lambda: watcher.told and watcher.told[-1].angular.z == 0), "stopped after the timeout"
    turns = [twist.angular.z for twist in watcher.told]
    assert 0.2 < max(turns) <= 1.0 and min(turns) >= 0 and all(twist.linear.x == 0 for twist in watcher.told)
    time.sleep(ZEROS_S + 0.2)
    count, turns = len(watcher.told), [twist.angular.z for twist in watcher.told]
    last_move = max(index for index, turn in enumerate(turns) if turn)
    assert len(turns) - last_move > 5, "zeros are repeated: one may be lost"
    time.sleep(0.3)
    assert len(watcher.told) == count, "then the topic is left to others"


def test_a_sound_on_the_right_as_twist_stamped(spin):
    watcher = Watcher(TwistStamped)
    spin(make_node(stamped=True, base_frame="base"), watcher)
    watcher.wait_for_node()
    watcher.see(-0.8)
    assert wait_until(lambda: watcher.told)
    assert watcher.told[0].twist.angular.z < 0 and watcher.told[0].header.frame_id == "base"
    assert abs(watcher.told[0].header.stamp.sec - time.time()) < 10


def test_old_images_move_nothing_and_the_reason_is_said(spin, capfd):
    watcher = Watcher()
    spin(make_node(), watcher)
    watcher.wait_for_node()
    watcher.see(0.8, age_s=100)
    said = []
    assert wait_until(lambda: said.append(capfd.readouterr().err) or "use_sim_time" in "".join(said))
    time.sleep(0.3)
    assert not watcher.told


def test_objects_without_bearing_are_said_to_need_camera_info(spin, capfd):
    watcher = Watcher()
    spin(make_node(), watcher)
    watcher.wait_for_node()
    watcher.see(None)
    said = []
    assert wait_until(lambda: said.append(capfd.readouterr().err) or "camera_info" in "".join(said))
    assert not watcher.told


def test_goals_for_nav2_stand_off_and_face_the_sound(spin):
    watcher = Watcher(PoseStamped, "goal_pose")
    spin(make_node(mode="nav2", standoff=1.0), watcher)
    watcher.wait_for_node("goal_pose")
    watcher.see(0.0, position=(0.0, 0.0, 4.0))
    assert wait_until(lambda: watcher.told)
    (goal,) = watcher.told
    # The ray is that of the angles: bearing 0, elevation 0.1; three metres along it.
    place = goal.pose.position
    assert (place.x, place.y, place.z) == pytest.approx((0, -3 * math.sin(0.1), 3 * math.cos(0.1)), abs=1e-6)
    assert goal.header.frame_id == "camera_optical"
    watcher.see(0.0, position=(0.0, 0.0, 4.0))
    time.sleep(0.3)
    assert len(watcher.told) == 1, "no more than a goal a second"


def test_settings_change_while_it_runs(spin):
    watcher, node = Watcher(), make_node(rate=50.0)
    spin(node, watcher)
    watcher.wait_for_node()
    assert node.set_parameters([Parameter("max_turn", value=0.1)])[0].successful
    assert not node.set_parameters([Parameter("mode", value="nav2")])[0].successful
    watcher.see(0.8)
    assert wait_until(lambda: len(watcher.told) > 15)
    assert max(twist.angular.z for twist in watcher.told) == pytest.approx(0.1)


def test_shipped_file_holds_the_defaults_and_every_parameter_is_described(ros):
    shipped = yaml.safe_load(SHIPPED.read_text())["/**"]["ros__parameters"]
    node = make_node()
    assert shipped == {name: node.get_parameter(name).value for name in FollowParameters.__dataclass_fields__}
    for name in shipped:
        assert len(node.describe_parameter(name).description) > 15, name
    node.destroy_node()


@pytest.mark.parametrize("name, value", [("mode", "fly"), ("max_turn", -1.0), ("stamped", "yes"), ("margin", 0.5)])
def test_wrong_start_values_are_refused(ros, name, value):
    with pytest.raises((ValueError, ParameterException), match=name):
        make_node(**{name: value})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_limits_that_are_not_finite_are_refused(ros, value):
    node = make_node()
    for name in ("max_turn", "max_forward", "max_turn_acceleration", "timeout_s", "gain", "smoothing_s"):
        assert not node.set_parameters([Parameter(name, value=value)])[0].successful, name
        with pytest.raises(ParameterException, match=name):
            make_node(**{name: value})
    node.destroy_node()


def test_odometry_needs_its_messages(ros):
    try:
        import nav_msgs.msg  # noqa: F401
    except ImportError:
        with pytest.raises(ValueError, match="nav_msgs/msg/Odometry is not installed"):
            make_node(odometry=True)
    else:
        make_node(odometry=True).destroy_node()


def test_yaw_of_an_orientation():
    assert yaw_of(SimpleNamespace(x=0.0, y=0.0, z=math.sin(0.35), w=math.cos(0.35))) == pytest.approx(0.7)


@pytest.mark.parametrize("x, y, z, w", [(0, 0, 0, 0), (math.nan, 0, 0, 1), (0, 0, math.inf, 0), (0, 0, 1e200, 1e200)])
def test_what_is_no_rotation_has_no_yaw(x, y, z, w):
    assert math.isnan(yaw_of(SimpleNamespace(x=x, y=y, z=z, w=w)))


def test_a_rounded_quaternion_has_the_same_yaw():
    assert yaw_of(SimpleNamespace(x=0.0, y=0.0, z=1.05 * math.sin(1.2), w=1.05 * math.cos(1.2))) == pytest.approx(2.4)


# Half plausible, so that the robot moves; float32 and float64 marks of "nothing measured", subnormal, out of range.
FLOATS = (0.0, 0.1, 0.5, -0.8, 1.0, 2.0, 5.0, math.nan, math.inf, -math.inf, 3.4e38, -3.4e38, 1e-45, 4.0, -9.0)
SECONDS = float(os.environ.get("C3N_FUZZ_SECONDS", 4))  # 1800 for the long run


def absurd_stamp(draw):
    now_ns = time.time_ns()
    if draw.random() < 0.7:
        return time_message(now_ns - draw.randrange(10**9))
    stamp = time_message(now_ns + draw.choice([-100, -2, 2, 100]) * 10**9)
    if draw.random() < 0.5:
        stamp.sec, stamp.nanosec = draw.choice([-(2**31), -1, 0, 2**31 - 1]), draw.choice([0, 2**32 - 1])
    return stamp


def absurd_objects(draw):
    message = SoundingObjects(audible=draw.random() < 0.8, image_width=draw.choice([0, 6, 2**32 - 1]), image_height=4)
    message.header.stamp = absurd_stamp(draw)
    for _ in range(draw.randrange(4)):
        found = SoundingObject(label="dog", area=draw.choice([0, 6, 2**32 - 1]))
        for name in ("score", "bearing", "elevation", "half_width", "centroid_x"):
            setattr(found, name, draw.choice(FLOATS))
        for axis in "xyz":
            setattr(found.position, axis, draw.choice([*FLOATS, 1.7e308, -1.7e308]))
        message.objects.append(found)
    return message


def absurd_odometry(draw):
    message = PoseWithCovarianceStamped()
    message.header.stamp = absurd_stamp(draw)
    angle = draw.uniform(-4, 4)
    good = Quaternion(z=math.sin(angle / 2), w=math.cos(angle / 2))
    bad = Quaternion(**{axis: draw.choice([*FLOATS, 1.7e308]) for axis in "xyzw"})
    message.pose.pose.orientation = draw.choice([good, bad])
    return message


@pytest.mark.parametrize("odometry", [False, True])
def test_absurd_messages_never_move_it_beyond_its_limits(spin, capfd, monkeypatch, odometry):
    """Limits and acceleration hold for each command, what is refused is said, and a good message still moves it."""
    # nav_msgs may not be installed; this message has the fields of an Odometry that the node reads.
    monkeypatch.setattr(follow_sound_node, "message_class", lambda name: PoseWithCovarianceStamped)
    watcher, draw = Watcher(), random.Random(12)
    odometers = watcher.create_publisher(PoseWithCovarianceStamped, "odom", 10)
    spin(make_node(odometry=odometry, rate=50.0, timeout_s=1.0, max_forward=0.5, search=True), watcher)
    watcher.wait_for_node()

    def say_good(bearing):
        odometers.publish(odometry_message(0.0))
        watcher.see(bearing, position=(0.0, 0.0, 3.0))

    end_s = time.monotonic() + SECONDS
    while time.monotonic() < end_s:
        for _ in range(5):
            watcher.objects.publish(absurd_objects(draw))
            odometers.publish(absurd_odometry(draw))
            time.sleep(0.005)
        if draw.random() < 0.5:
            say_good(draw.choice([-1.0, 0.0, 1.0]))
    assert wait_until(lambda: still(watcher)), "the input ended"
    count = len(watcher.told)
    assert wait_until(lambda: say_good(1.0) or any(twist.angular.z > 0.1 for twist in watcher.told[count:])), "recovers"
    assert wait_until(lambda: say_good(0.0) or any(twist.linear.x > 0.1 for twist in watcher.told[count:])), "recovers"
    turns, forwards = zip(*((twist.angular.z, twist.linear.x) for twist in watcher.told))
    assert len(turns) > 50 and max(map(abs, turns)) > 0.3, "it did move"
    assert all(abs(turn) <= 1.0 for turn in turns) and all(0 <= forward <= 0.5 for forward in forwards)
    assert all(abs(after - before) <= 2.0 * 0.2 + 1e-9 for before, after in zip(turns, turns[1:]) if after)
    said = capfd.readouterr().err
    assert "objects since the start" in said and "sounding_object/objects" in said
    assert ("odometry since the start" in said) == odometry


def odometry_message(heading):
    message = PoseWithCovarianceStamped()
    message.header.stamp = time_message(time.time_ns())
    message.pose.pose.orientation = Quaternion(z=math.sin(heading / 2), w=math.cos(heading / 2))
    return message


def still(watcher):
    count = len(watcher.told)
    time.sleep(0.3)
    return len(watcher.told) == count and (not count or watcher.told[-1] == Twist())


def test_it_stops_when_odometry_ends(spin, monkeypatch, capfd):
    monkeypatch.setattr(follow_sound_node, "message_class", lambda name: PoseWithCovarianceStamped)
    watcher = Watcher()
    odometers = watcher.create_publisher(PoseWithCovarianceStamped, "odom", 10)
    spin(make_node(odometry=True, rate=50.0, timeout_s=1.0), watcher)
    watcher.wait_for_node()
    assert wait_until(lambda: odometers.publish(odometry_message(0.0)) or watcher.see(0.8) or moves(watcher))
    begin_s = time.monotonic()
    assert wait_until(lambda: watcher.see(0.8) or watcher.told[-1] == Twist()), "objects go on"
    assert time.monotonic() - begin_s < 4
    assert "no odometry came for 1.0 s" in capfd.readouterr().err


def moves(watcher):
    time.sleep(0.02)
    return bool(watcher.told) and watcher.told[-1].angular.z > 0.2


def test_it_stops_at_once_when_its_loop_stalled(spin, capfd):
    watcher = Watcher()
    spin(make_node(rate=50.0, timeout_s=10.0), watcher)
    watcher.wait_for_node()
    watcher.see(3.0)
    assert wait_until(lambda: moves(watcher))
    stalls = []
    timer = watcher.create_timer(0.01, lambda: stalls or stalls.append(len(watcher.told)) or time.sleep(1.0))
    assert wait_until(lambda: stalls and Twist() in watcher.told[stalls[0] :]), "although the target is still there"
    timer.cancel()
    assert "stood still for 1." in capfd.readouterr().err


def test_it_stops_when_the_clock_stands_still(spin, capfd):
    """A simulator that hangs, a bag that ended: by a clock that stands still nothing would ever slow down."""
    watcher, now_s = Watcher(), [1000.0]
    clock = watcher.create_publisher(Clock, "/clock", 10)
    spin(make_node(use_sim_time=True, rate=50.0, timeout_s=10.0), watcher)
    watcher.wait_for_node()

    def see():
        message = objects_message(segmentation(bearing=3.0))
        message.header.stamp = time_message(round(now_s[0] * 1e9))
        watcher.objects.publish(message)

    def tick():
        now_s[0] += 0.02
        clock.publish(Clock(clock=time_message(round(now_s[0] * 1e9))))
        see()
        return moves(watcher)

    assert wait_until(tick)
    assert wait_until(lambda: see() or watcher.told[-1] == Twist(), timeout_s=5)
    assert "clock stood still" in capfd.readouterr().err
    assert wait_until(tick), "and goes on with it"


def test_it_stops_when_it_is_ended(ros, spin, start_process):
    watcher = spin(Watcher())
    process = start_process("follow_sound_node")
    assert wait_until(lambda: watcher.see(3.0) or moves(watcher), timeout_s=30)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0
    assert wait_until(lambda: watcher.told[-1] == Twist(), timeout_s=3)


def test_executable_says_in_one_line_why_it_cannot_start(start_process):
    process = start_process("follow_sound_node", "--ros-args", "-p", "mode:=fly")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1 and len(output.splitlines()) == 1
    assert "expected cmd_vel|nav2, got 'fly'" in output and "Traceback" not in output
