"""What goes wrong on a robot, with the result that is defined for it: nothing crashes, and what comes back is used at once."""

import time

from robot import BEGIN_NS, SECOND_NS, image_message, start_robot, wait_until


def start(spin):
    """A robot and its node; three seconds have come, and their masks."""
    robot = start_robot(spin)
    robot.play(3, pace_s=0.02)
    assert wait_until(lambda: newest_second(robot) == 2)
    return robot


def seconds_of(robot):
    """Begin of every window that was published, seconds after the first sound."""
    return [message.window_start.sec - BEGIN_NS // SECOND_NS for message in robot.objects]


def newest_second(robot):
    return seconds_of(robot)[-1] if robot.objects else None


def test_the_camera_stops_for_ten_seconds(spin):
    robot = start(spin)
    robot.play(10, begin=3, pace_s=0.005, images_per_second=0)
    robot.play(3, begin=13, pace_s=0.02)
    assert wait_until(lambda: newest_second(robot) == 15)
    assert not set(seconds_of(robot)) & set(range(4, 12)), "a second without an image has no mask"
    assert {13, 14, 15} <= set(seconds_of(robot)), "no image, no delay: what comes back is used at once"


def test_the_sound_stops_for_ten_seconds(spin):
    robot = start(spin)
    for tenth in range(100):
        robot.images.publish(image_message(BEGIN_NS + 3 * SECOND_NS + tenth * SECOND_NS // 10 + SECOND_NS // 25))
        time.sleep(0.005)
    robot.play(3, begin=13, pace_s=0.02)
    assert wait_until(lambda: newest_second(robot) == 15)
    between = [message for message in robot.objects if 4 <= message.window_start.sec - BEGIN_NS // SECOND_NS < 13]
    assert all(message.heard == 0 for message in between), "silence is not made up"
    assert all(message.heard > 0.9 for message in robot.objects[-2:])


def test_the_clock_jumps_forward_and_back(spin):
    robot = start(spin)
    for begin in (3_600, 5, 86_400, 0):
        robot.play(3, begin=begin, pace_s=0.02)
        assert wait_until(lambda second=begin + 2: newest_second(robot) == second)
    assert len(robot.objects) < 20, "an hour that was jumped over is not an hour of windows"


def test_a_bag_loops(spin):
    robot = start(spin)
    for lap in range(1, 4):
        robot.play(3, begin=0, pace_s=0.02)
        assert wait_until(lambda count=lap + 1: seconds_of(robot).count(2) == count)
    assert wait_until(lambda: len(robot.masks) == len(robot.objects))
