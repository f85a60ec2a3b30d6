"""One failing item costs itself only, is counted, and is logged now and then."""

import pytest
from geometry_msgs.msg import Twist
from rclpy.node import Node
from robot import wait_until
from std_msgs.msg import Header, String
from std_srvs.srv import SetBool, Trigger

from c3n_ros.follow_sound_node import FollowSoundNode
from c3n_ros.health import guard as module
from c3n_ros.health.guard import Failure, Guard
from c3n_ros.health.ros_guard import Guarded, deserialize
from c3n_ros.msg import SoundingObjects

NOTHING = Failure(0, "", 0.0)


def fail(*arguments):
    raise ValueError(f"expected 1, got {len(arguments)}\nuse 1")


def test_failures_are_counted_by_source_with_the_last_cause():
    guard = Guard(lambda text: None)
    assert guard.run("/a", lambda: 7) == 7 and guard.failures == {}
    for _ in range(3):
        assert guard.run("/a", fail) is None
    assert guard.wrap("/b", fail)(1) is None
    found = {source: (failure.count, failure.cause) for source, failure in guard.failures.items()}
    assert found == {"/a": (3, "expected 1, got 0 use 1"), "/b": (1, "expected 1, got 1 use 1")}


def test_log_is_throttled_by_source_and_by_text(monkeypatch):
    logged = []
    guard = Guard(logged.append)
    for _ in range(50):
        guard.run("/a", fail)
    guard.run("/b", fail)  # for the same reason
    assert len(logged) == 1 and "/a" in logged[0]
    guard.run("/b", fail, 1)
    assert len(logged) == 2 and "/b" in logged[1]
    monkeypatch.setattr(module, "REPEAT_AFTER_S", 0.0)
    guard.run("/a", fail)
    assert len(logged) == 3 and "51 so far" in logged[2]


def test_the_end_of_the_process_is_not_held_up():
    def leave():
        raise SystemExit(1)

    with pytest.raises(SystemExit):
        Guard(lambda text: None).run("/a", leave)


def test_bytes_that_are_not_a_message_are_refused():
    with pytest.raises(ValueError, match="Header.*2 bytes.*ros2 topic info"):
        deserialize(b"ab", Header)


class Fragile(Guarded, Node):
    """Every callback fails the first time."""

    def __init__(self):
        super().__init__("fragile")
        self.done = []
        self.create_subscription(String, "words", lambda message: self.first_fails(message.data), 10)
        self.create_service(SetBool, "~/switch", lambda request, response: 1 / 0)
        self.create_service(Trigger, "~/press", self._press)
        self.create_timer(0.02, self._tick)

    def first_fails(self, what):
        self.done.append(what)
        if self.done.count(what) == 1:
            raise RuntimeError(what)

    def _press(self, request, response):
        response.success = True
        return response

    def _tick(self):
        self.first_fails("tick")


def test_subscriptions_services_and_timers_of_a_node_survive(spin):
    fragile, other = Fragile(), Node("other")
    spin(fragile, other)
    words = other.create_publisher(String, "words", 10)
    assert wait_until(lambda: words.get_subscription_count() == 1)
    for message in (String(data="a"), b"ab", b"", String(data="a"), String(data="b")):
        words.publish(message)
    assert wait_until(lambda: fragile.done.count("a") == 2 and "b" in fragile.done and fragile.done.count("tick") > 2)
    assert wait_until(lambda: fragile.guard.failures.get("/words", NOTHING).count == 4)
    assert fragile.guard.failures["timer tick"].count == 1
    switch, press = other.create_client(SetBool, "fragile/switch"), other.create_client(Trigger, "fragile/press")
    assert switch.wait_for_service(5) and press.wait_for_service(5)
    answers = [switch.call_async(SetBool.Request(data=True)), press.call_async(Trigger.Request())]
    assert wait_until(lambda: all(answer.done() for answer in answers))
    assert [answer.result().success for answer in answers] == [False, True]
    assert "ZeroDivisionError" in answers[0].result().message


def test_follow_sound_survives_absurd_objects_and_stands_still_when_its_loop_fails(spin):
    node, other = FollowSoundNode(), Node("other")
    spin(node, other)
    told = []
    other.create_subscription(Twist, "cmd_vel", told.append, 10)
    objects = other.create_publisher(SoundingObjects, "sounding_object/objects", 10)
    assert wait_until(lambda: objects.get_subscription_count() and node.count_subscribers("cmd_vel"))
    before_1970 = SoundingObjects()
    before_1970.header.stamp.sec = -5
    for message in (b"abc", before_1970):
        objects.publish(message)
    assert wait_until(lambda: node.guard.failures.get("/sounding_object/objects", NOTHING).count == 2)
    assert not told
    node._follower = None
    assert wait_until(lambda: len(told) > 3)
    assert {(twist.linear.x, twist.angular.z) for twist in told} == {(0.0, 0.0)}
