"""The node that follows sounds, over real DDS: absurd messages, stalls and ends."""

import math
import os
import random
import signal
import time

import pytest
from geometry_msgs.msg import PoseWithCovarianceStamped, Quaternion, Twist
from rosgraph_msgs.msg import Clock
from sounding import segmentation
from watcher import Watcher, make_node, moves, wait_until

from c3n_ros import follow_sound_node
from c3n_ros.messages.conversions import objects_message, time_message
from c3n_ros.msg import SoundingObject, SoundingObjects

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
    assert "timeout_s" in capfd.readouterr().err


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
    assert "for 1." in capfd.readouterr().err


def test_it_stops_if_the_clock_stops(spin, capfd):
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
    assert "/clock" in capfd.readouterr().err
    assert wait_until(tick), "and goes on with it"


def test_it_stops_when_it_is_ended(ros, spin, start_process):
    watcher = spin(Watcher())
    process = start_process("follow_sound_node")
    assert wait_until(lambda: watcher.see(3.0) or moves(watcher), timeout_s=90), "on a busy machine a start takes long"
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0
    assert wait_until(lambda: watcher.told[-1] == Twist(), timeout_s=3)
