"""The node goes on after any message: examples that once ended or deafened it, and random ones of every type it subscribes to.

`make fuzz` (hypothesis profile "fuzz") sends 10,000 of the latter.
"""

import threading
import time
from array import array
from functools import partial

import cv2
import numpy as np
import pytest
from absurd_messages import CAMERA, INFO, MESSAGES, SOUND, items_of, stamped
from audio_common_msgs.msg import AudioDataStamped, AudioInfo
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rclpy.node import Node
from robot import BEGIN_NS, PCM, SECOND_NS, LeftHalfSounds, Robot, make_node, sound_message, wait_until
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2

from c3n_model.messages.stamps import stamp_of
from c3n_ros.messages.conversions import time_message

MESSAGES_PER_EXAMPLE, MOST_MESSAGES = 20, 5_000  # with either image transport


class Sender(Robot):
    """A robot that can publish anything on any of the node's topics, and reads its diagnostics."""

    def __init__(self):
        super().__init__()
        self.statuses, self.worst = {}, {}
        self.create_subscription(DiagnosticArray, "/diagnostics", self._remember, 10)
        others = {
            "/camera/image_raw/compressed": CompressedImage,
            "/camera/depth": Image,
            "/camera/points": PointCloud2,
            "/camera/camera_info": CameraInfo,
        }
        self.doors = {topic: self.create_publisher(kind, topic, 100) for topic, kind in others.items()}
        self.doors |= {CAMERA: self.images, SOUND: self.sound, INFO: self.description}
        self._second, self.make_image = 0, None

    def _remember(self, message):
        for status in message.status:
            name = status.name.rpartition(": ")[2]
            self.statuses[name] = status
            self.worst[name] = max(self.worst.get(name, b"\0"), status.level)

    def level(self, name):
        """The newest level of a status, None before it came."""
        return self.statuses[name].level if name in self.statuses else None

    def value(self, name, key):
        """A figure of a status, "" before it came."""
        status = self.statuses.get(name, DiagnosticStatus())
        return {value.key: value.value for value in status.values}.get(key, "")

    def gets_answers(self):
        """Whether clean input, at times of its own, still becomes masks of just that input; lost messages are sent again."""
        self.description.publish(PCM)
        for _ in range(5):
            self._second += 10
            begin_ns = BEGIN_NS + self._second * SECOND_NS
            self.masks.clear()
            self.play(4, pace_s=0.01, begin=self._second, make_image=self.make_image)
            if wait_until(partial(self._answered, begin_ns), 2):
                return True
        return False

    def _answered(self, begin_ns):
        return any(0 <= stamp_of(mask.header) - begin_ns < 4 * SECOND_NS for mask in self.masks)


@pytest.fixture
def tester(spin):
    """`tester()` makes a Sender and its active node, `tester.node`, which know of each other."""

    def start(session=None):
        tester = Sender()
        tester.node = make_node(session)
        spin(tester.node, tester)
        tester.wait_for_node()
        assert tester.gets_answers(), tester.statuses
        return tester

    return start


EXAMPLES = {
    "truncated image": (CAMERA, b"abc", "3 bytes"),
    "empty image": (CAMERA, b"", "0 bytes"),
    "truncated sound": (SOUND, b"abc", "3 bytes"),
    "truncated depth": ("/camera/depth", b"abc", "3 bytes"),
    "truncated camera_info": ("/camera/camera_info", b"abc", "3 bytes"),
    "absurd rate": (INFO, AudioInfo(channels=1, sample_rate=2**32 - 1, coding_format="wave"), "got 4294967295 Hz"),
    "image before 1970": (CAMERA, stamped(Image(), sec=-5), "got -5 s"),
    "sound before 1970": (SOUND, stamped(sound_message(0, 1600, 1), sec=-5), "got -5 s"),
    "absurd camera_info": ("/camera/camera_info", CameraInfo(width=2**32 - 1, height=1), "got 4294967295 x 1"),
}


@pytest.mark.parametrize("topic, message, cause", EXAMPLES.values(), ids=EXAMPLES)
def test_one_absurd_message_costs_that_message_only(tester, topic, message, cause):
    tester = tester()
    wait_until(lambda: tester.doors[topic].get_subscription_count() > 0)
    tester.doors[topic].publish(message)
    assert wait_until(lambda: tester.value("topics", f"skipped {topic}") == "1")
    topics = tester.statuses["topics"]
    assert topics.level == DiagnosticStatus.WARN and topic in topics.message and cause in topics.message
    tester.masks.clear()
    tester.play(4, pace_s=0.02, begin=1000)  # without another description of the sound
    assert wait_until(lambda: tester.masks)


@pytest.mark.parametrize("thread", ["intake", "network"])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_ended_is_reported_and_replaced(tester, thread):
    class Ends(LeftHalfSounds):
        ends = False

        def step(self, window):
            if self.ends:
                self.ends = False
                raise SystemExit
            return super().step(window)

    class EndsItsThread:
        topic = "sound"

        def chunks(self):
            raise SystemExit

    session = Ends()
    tester = tester(session)
    tester.worst.clear()
    begin_s = time.monotonic()
    if thread == "intake":
        tester.node.pipeline.add_sound(EndsItsThread())
    else:
        session.ends = True
        tester.play(2, begin=500)
    assert wait_until(lambda: tester.worst.get("node") == DiagnosticStatus.ERROR, 10)
    assert time.monotonic() - begin_s < 3.0 + 1.0, "a second for this machine"
    assert wait_until(lambda: tester.value("node", "restarts of threads") == "1")
    tester.wait_for_node()
    assert tester.gets_answers() and wait_until(lambda: tester.level("node") == DiagnosticStatus.OK)


def test_a_node_that_cannot_replace_its_threads_ends(spin, tester):
    tester = tester()
    tester.node._make_session = lambda model, device, **execution: 1 / 0
    with pytest.raises(SystemExit) as end:
        tester.node._restart(["intake"])
    assert end.value.code == 1


@pytest.mark.parametrize("topic, kind", [(CAMERA, Image), (SOUND, AudioDataStamped)])
def test_two_publishers_are_named_until_one_is_left(spin, tester, topic, kind):
    tester, second = tester(), Node("second_driver", namespace="rear")
    spin(second)
    publisher = second.create_publisher(kind, topic, 10)
    assert wait_until(lambda: tester.level("topics") == DiagnosticStatus.WARN)
    for said in (topic, "/robot", "/rear/second_driver", "2 publishers"):
        assert said in tester.statuses["topics"].message
    assert tester.gets_answers()
    second.destroy_publisher(publisher)
    assert wait_until(lambda: tester.level("topics") == DiagnosticStatus.OK)


def compressed(stamp_ns, *rest):
    message = CompressedImage(format="jpeg")
    message.data = array("B", cv2.imencode(".jpg", np.full((48, 64, 3), 90, np.uint8))[1].tobytes())
    message.header.stamp = time_message(stamp_ns)
    return message


@pytest.mark.hypothesis
@pytest.mark.parametrize("transport, other", [("raw", "/camera/image_raw/compressed"), ("compressed", CAMERA)])
def test_the_process_answers_after_any_messages(spin, start_process, tiny_model_file, transport, other):
    process = start_process(
        "segmentation_node", "--ros-args", "-p", f"model:={tiny_model_file}", "-p", f"image_transport:={transport}"
    )
    log = []
    threading.Thread(target=log.extend, args=(process.stdout,), daemon=True).start()
    tester = Sender()
    if transport == "compressed":
        tester.images, tester.make_image = tester.doors["/camera/image_raw/compressed"], compressed
    spin(tester)
    topics = [topic for topic in MESSAGES if topic != other]
    assert wait_until(lambda: all(tester.doors[topic].get_subscription_count() for topic in topics), 60)
    tester.wait_for_node()
    assert tester.gets_answers(), log
    sent = dict.fromkeys(topics, 0)

    @settings(
        max_examples=min(settings.default.max_examples, MOST_MESSAGES) // MESSAGES_PER_EXAMPLE,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(items_of(topics), min_size=MESSAGES_PER_EXAMPLE, max_size=MESSAGES_PER_EXAMPLE))
    def answers_after(items):
        for topic, data in items:
            tester.doors[topic].publish(data)
            sent[topic] += 1
            time.sleep(0.005)
        assert tester.gets_answers() and process.poll() is None, log[-20:]

    answers_after()
    skipped = {topic: tester.value("topics", f"skipped {topic}") for topic in topics}
    print(f"sent {sent}, skipped {skipped}, restarts {tester.value('node', 'restarts of threads')}")
    assert all(skipped[topic] for topic in topics if sent[topic] > 10), (sent, skipped)
    assert tester.value("node", "restarts of threads") == "0" and not [line for line in log if "Traceback" in line]
