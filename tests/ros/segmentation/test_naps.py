"""Callbacks sleep between the moments that matter: by hand for the durations, over DDS for what a window gets."""

import time
from types import SimpleNamespace

import pytest
from robot import BEGIN_NS, SECOND_NS, image_message, sound_message, start_robot, wait_until

from c3n_model.streaming.windows import WindowRules
from c3n_ros.health.arrivals import Arrivals, QoS
from c3n_ros.segmentation import naps
from c3n_ros.segmentation.naps import Pace, image_nap_ns, sound_nap_ns
from c3n_ros.segmentation.ros_naps import ImageNaps

MS = 1_000_000
SECOND = WindowRules()


@pytest.mark.parametrize(
    "stamp_ms, hop_ms, nap_ms",
    [
        (7_937, 1_000, 0),  # before 15/16 of its second (937.5 ms): its window may still get a nearer one
        (7_938, 1_000, 949.5),  # 50 ms before the next second's
        (7_000, 1_000, 887.5),
        (7_868, 1_000, 0),  # 19.5 ms would not pay
        (7_938, 500, 449.5),
        (7_938, 100, 49.5),
    ],
)
def test_an_image_is_due_shortly_before_15_16_of_a_second(stamp_ms, hop_ms, nap_ms):
    assert image_nap_ns(stamp_ms * MS, WindowRules(hop_ns=hop_ms * MS)) == nap_ms * MS


def test_an_image_exactly_at_15_16_is_the_last_of_its_window():
    assert image_nap_ns(937_500_000, SECOND) == 950 * MS


@pytest.mark.parametrize(
    "stamp_ms, message_ms, wait_ms, nap_ms",
    [
        (7_000, 10, 500, 125),
        (7_890, 10, 500, 80),  # 30 ms before the end: the last message begins 10 ms before it
        (7_890, 64, 500, 26),
        (7_960, 10, 500, 0),
        (7_990, 10, 500, 0),
        (7_000, 10, 100, 25),
        (7_000, 10, 0, 0),
    ],
)
def test_sound_is_taken_at_once_near_the_end_of_a_window(stamp_ms, message_ms, wait_ms, nap_ms):
    assert sound_nap_ns(stamp_ms * MS, message_ms * MS, WindowRules(max_wait_ns=wait_ms * MS)) == nap_ms * MS


def test_the_duration_of_messages_is_that_of_those_taken_together():
    pace = Pace()
    pace.add(BEGIN_NS, 0)
    pace.add(BEGIN_NS + 120 * MS, 120 * MS, messages=12)
    assert pace.message_ns == 10 * MS


def test_pace_is_known_after_two_seconds_in_real_time():
    pace = Pace()
    for tenth in range(20):
        pace.add(BEGIN_NS + tenth * 100 * MS, tenth * 100 * MS)
    assert not pace.is_real_time
    pace.add(BEGIN_NS + 2_000 * MS, 2_000 * MS + 140 * MS)  # after a nap
    assert pace.is_real_time and pace.agrees_with(BEGIN_NS + 1_100 * MS)
    assert not pace.agrees_with(BEGIN_NS + 1_000 * MS)
    pace.add(BEGIN_NS, 2_200 * MS)  # a looping bag
    assert not pace.is_real_time


@pytest.mark.parametrize("speed", [0.5, 1.2, 5])
def test_a_bag_at_another_speed_is_never_slept_through(speed):
    pace, ever = Pace(), False
    for number in range(1_000):
        pace.add(round(number * 10 * MS * speed), number * 10 * MS)
        ever |= pace.is_real_time
    assert not ever


class Alarm:
    """Stands in for a Nap: remembers how long it was told to sleep."""

    due_ns = slept_ns = None

    def sleep(self, duration_ns, due_ns):
        self.slept_ns, self.due_ns = duration_ns, due_ns

    def wake(self):
        self.due_ns = None


def images_of(publishers=1):
    stream = Arrivals("camera")
    stream.publishers = (QoS(),) * publishers
    return ImageNaps(Alarm(), stream), stream


def see(images, stream, stamp_ms, number):
    stream.add(time.monotonic(), stamp_ms * MS)
    images.see(stamp_ms * MS, {"publication_sequence_number": number})


def test_replaced_images_are_counted_by_their_numbers_less_the_lost_ones():
    images, stream = images_of()
    see(images, stream, 0, 10)
    stream.lose(time.monotonic(), 3)
    see(images, stream, 900, 31)  # 20 are missing, of which DDS lost 3
    assert (stream.passed_over, stream.count) == (17, 19)
    see(images, stream, 933, 32)
    see(images, stream, 966, 1)  # the camera was started again
    assert (stream.passed_over, stream.count) == (17, 21)


@pytest.mark.parametrize("number, publishers, slept", [(5, 1, True), (None, 1, False), (5, 2, False)])
def test_what_could_not_be_counted_is_taken(number, publishers, slept):
    images, stream = images_of(publishers)
    see(images, stream, 7_000, number)
    images.rest(SimpleNamespace(is_real_time=True, agrees_with=lambda stamp_ns: True), SECOND)
    assert (images.nap.slept_ns is not None) == slept


@pytest.mark.parametrize("sound_ms, asleep", [(7_500, True), (7_888, False), (5_000, False)])
def test_the_sound_wakes_the_camera_where_stamps_advance_faster_or_jump(sound_ms, asleep):
    images, stream = images_of()
    see(images, stream, 7_000, 5)
    images.rest(SimpleNamespace(is_real_time=True, agrees_with=lambda stamp_ns: True), SECOND)  # until 7887.5
    images.on_sound(sound_ms * MS)
    assert (images.nap.due_ns is not None) == asleep


def test_windows_get_the_same_images_from_a_node_that_sleeps(spin, monkeypatch):
    """Two seconds in real time: 30 images a second, of which few are taken, and each window has the nearest to 15/16."""
    monkeypatch.setattr(naps, "SETTLED_NS", SECOND_NS // 4)
    robot = start_robot(spin)
    begin_s, sounds, images = time.monotonic(), 0, 0
    while (now_s := time.monotonic() - begin_s) < 2.1:
        while sounds * 0.02 < now_s:
            robot.sound.publish(sound_message(BEGIN_NS + sounds * 20 * MS, 320, 1))
            sounds += 1
        while images / 30 < now_s:
            robot.images.publish(image_message(BEGIN_NS + images * SECOND_NS // 30))
            images += 1
        time.sleep(0.005)
    assert wait_until(lambda: len(robot.objects) >= 2)
    camera = robot.node.inputs.camera
    assert camera.passed_over > 15 and camera.count > images - 10, (camera.passed_over, camera.count, images)
    assert 29 < camera.recent(time.monotonic()).rate_hz < 31
    offsets = {message.header.stamp.nanosec for message in robot.objects}
    assert offsets == {28 * SECOND_NS // 30}, "0.933 s: the nearest of 30 a second"
