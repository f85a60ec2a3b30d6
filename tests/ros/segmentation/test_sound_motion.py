"""Motion in time with the sound in the node: which images are decoded for it, and what a damaged one costs."""

import time
from array import array
from types import SimpleNamespace

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from robot import BEGIN_NS, MODEL, SECOND_NS, image_message, sound_message, start_robot, wait_until

from c3n_model.experiments.motion.bench import seen
from c3n_model.motion.motion_memory import MotionMemory
from c3n_model.streaming.windows import WindowAssembler
from c3n_model.types import Frame
from c3n_ros.health.guard import Guard
from c3n_ros.segmentation.pipeline import Pipeline
from c3n_ros.segmentation.ros_naps import ImageNaps
from c3n_ros.segmentation.serialized import SerializedMessage

SIZE, SPOTS = (48, 64), ((slice(16, 32), slice(8, 24)), (slice(16, 32), slice(40, 56)))
NUMBERS = np.zeros(SIZE, np.uint16)
NUMBERS[SPOTS[0]], NUMBERS[SPOTS[1]] = 1, 2
LOUD = np.random.default_rng(3).uniform(size=60) < 0.35  # tenths of a second


class TwoDogs:
    """Stands in for a session that sees two dogs."""

    def __init__(self):
        self.device, self.model, self.device_memory_bytes = "nowhere", MODEL, None

    def reset(self): ...

    def close(self): ...

    def step(self, window):
        found = seen(NUMBERS, window.start_ns)
        return type(found)(**{**vars(found), "stamp_ns": window.frame.stamp_ns})


def image(stamp_ns):
    """Two patterns, of which the left one changes while it is loud, the right one always."""
    tenth = int((stamp_ns - BEGIN_NS) * 10 // SECOND_NS)
    rgb = np.full((*SIZE, 3), 90, np.uint8)
    for spot, number in zip(SPOTS, (int(LOUD[: tenth + 1].sum()), tenth), strict=True):
        rgb[spot] = np.random.default_rng(number).integers(0, 255, (16, 16, 1))
    message = image_message(stamp_ns, height=SIZE[0], width=SIZE[1])
    message.data = array("B", rgb.tobytes())
    return message


def test_the_dog_that_moves_while_it_is_loud_is_chosen_over_dds(spin):
    robot = start_robot(spin, TwoDogs(), compare_motion=True)
    diagnostics = listen_to_diagnostics(robot)
    for tenth in range(58):
        stamp_ns = BEGIN_NS + tenth * SECOND_NS // 10
        robot.images.publish(image(stamp_ns + SECOND_NS // 25))
        sound = sound_message(stamp_ns, 1_600, 1)
        if not LOUD[tenth]:
            sound.audio.data = array("B", bytes(3_200))
        robot.sound.publish(sound)
        time.sleep(0.02)
    assert wait_until(lambda: len(robot.objects) >= 5)
    first, last = robot.objects[0], robot.objects[-1]
    assert first.motion_decision == "unclear" and len(first.objects) == 2 and np.isnan(first.objects[0].motion)
    assert last.motion_decision == "chosen" and [each.id for each in last.objects] == [1]
    assert last.objects[0].motion > 0.6
    chosen = str(sum(each.motion_decision == "chosen" for each in robot.objects))
    assert wait_until(lambda: diagnostics and diagnostics[-1].get("sound_motion", {}).get("windows: chosen") == chosen)
    values = diagnostics[-1]["sound_motion"]
    unclear = sum(int(count) for name, count in values.items() if name.startswith("unclear: "))
    assert unclear == int(values["windows: unclear"]) >= 1 and values["correlation of person #1"] > "0.6"


def listen_to_diagnostics(robot):
    """A list that grows by the values of all statuses, by name, of each message on /diagnostics."""
    found = []

    def read(message):
        found.append(
            {one.name.rpartition(": ")[2]: {each.key: each.value for each in one.values} for one in message.status}
        )

    robot.create_subscription(DiagnosticArray, "/diagnostics", read, 10)
    return found


def test_without_it_both_stay_and_nothing_is_said(spin):
    robot = start_robot(spin, TwoDogs())
    diagnostics = listen_to_diagnostics(robot)
    robot.play(4, size=SIZE)
    assert wait_until(lambda: len(robot.objects) >= 3)
    assert wait_until(lambda: "windows" in (diagnostics or [{}])[-1]) and "sound_motion" not in diagnostics[-1]
    assert robot.objects[-1].motion_decision == "" and len(robot.objects[-1].objects) == 2


def test_ten_images_a_second_are_decoded_and_a_damaged_one_costs_only_itself():
    decoded = []

    def decode(data):
        decoded.append(data)
        if len(decoded) == 3:
            raise ValueError("damaged")
        return Frame(np.zeros((*SIZE, 3), np.uint8), int(data))

    guard = Guard(lambda text: None)
    pipeline = Pipeline(WindowAssembler(16_000), guard, MotionMemory())
    for number in range(30):
        stamp_ns = number * SECOND_NS // 30
        pipeline.add_image(SerializedMessage(stamp_ns, str(stamp_ns).encode(), decode))
        if number % 10 == 9:  # the queue takes 15 at once
            if number == 9:
                pipeline.start(lambda window: None)
            assert wait_until(lambda: not pipeline.waiting["images"])
    pipeline.stop()
    assert len(decoded) == 11 and pipeline.counts.frames == 30, "the one after the damaged one takes its place"
    assert guard.failures["motion"].cause == "damaged"


def test_a_camera_that_motion_needs_does_not_sleep():
    slept = []
    nap = SimpleNamespace(sleep=lambda *arguments: slept.append(arguments))
    stream = SimpleNamespace(taken=0, lost=0, publishers=("camera",))
    rules, pace = WindowAssembler(16_000).rules, SimpleNamespace(is_real_time=True, agrees_with=lambda stamp_ns: True)
    for may_sleep in (True, False):
        images = ImageNaps(nap, stream)
        images.may_sleep = may_sleep
        images.see(7 * SECOND_NS, {"publication_sequence_number": 5})
        images.rest(pace, rules)
    assert len(slept) == 1
