"""What users of detectors expect: a class filter, the newest result on request, a limit of the rate, a log line of changes."""

import numpy as np
from rclpy.parameter import Parameter
from robot import make_node, start_robot, wait_until

from c3n_model.types import Presence, Segmentation, SoundingObject, UnifiedLabel
from c3n_ros.segmentation.sound_changes import SHORTEST_S, SoundChanges
from c3n_ros.srv import GetLast, SetClasses


def call(robot, kind, name, **fields):
    client = robot.create_client(kind, name)
    assert client.wait_for_service(timeout_sec=20)
    future = client.call_async(kind.Request(**fields))
    assert wait_until(future.done)
    return future.result()


def test_classes_are_shown_and_hidden_while_it_runs(spin):
    robot = start_robot(spin)
    refused = call(robot, SetClasses, "/segmentation/set_classes", classes=["bak"])
    assert not refused.success and "'Bark'" in refused.message and refused.classes == []
    accepted = call(robot, SetClasses, "/segmentation/set_classes", classes=["piano", "Speech"])
    assert accepted.success and accepted.classes == ["piano", "Speech"]
    assert robot.node.get_parameter("classes").value == "piano; Speech"
    robot.play(2, pace_s=0.02)
    assert wait_until(lambda: robot.objects)
    hidden = robot.objects[0]
    assert hidden.reason == "filtered" and hidden.filtered and hidden.audible and not hidden.objects
    assert not any(robot.masks[0].data)
    assert robot.node.set_parameters([Parameter("classes", value="DOG")])[0].successful
    robot.play(2, begin=10, pace_s=0.02)
    assert wait_until(lambda: robot.objects[-1].objects)
    assert robot.objects[-1].reason == "sounding"


def test_a_wrong_class_at_the_start_says_the_nearest(spin, capfd):
    node = make_node(classes="dgo", start=False)
    spin(node)
    assert not node.start()
    assert wait_until(lambda: "did you mean 'dog'" in capfd.readouterr().err)


def test_the_newest_segmentation_on_request(spin):
    robot = start_robot(spin)
    nothing = call(robot, GetLast, "/segmentation/last")
    assert not nothing.success and "nothing was segmented yet" in nothing.message
    robot.play(3, pace_s=0.02)
    assert wait_until(lambda: len(robot.masks) >= 2)
    last = call(robot, GetLast, "/segmentation/last")
    assert last.success and last.objects.header == last.mask.header
    assert last.objects.audio_label == "Bark" and len(last.objects.objects) == 1
    assert wait_until(lambda: last.mask in robot.masks)


def test_no_more_masks_than_max_rate(spin):
    robot = start_robot(spin, max_rate=0.5)
    robot.play(7, pace_s=0.03)
    assert wait_until(lambda: len(robot.objects) >= 3)
    starts_s = [message.window_start.sec for message in robot.objects]
    assert all(later - earlier >= 2 for earlier, later in zip(starts_s, starts_s[1:], strict=False))


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


def test_a_line_when_what_sounds_changes():
    said, clock = [], Clock()
    changes = SoundChanges(said.append, clock)
    dog = make("Bark", "dog")
    for segmentation, after_s in (
        (dog, 0),
        (dog, 5),
        (make("Speech", "dog"), 0.1),
        (make("Speech", "dog"), SHORTEST_S),
    ):
        clock.now_s += after_s
        changes.tell(segmentation)
    clock.now_s += SHORTEST_S
    changes.tell(make("Bark", "dog", Presence(False, 0.1, -90.0)))
    assert said == [
        "sounding: Bark ~ dog (agree 0.70, 1 in view)",
        "sounding: Speech ~ dog (agree 0.70, 1 in view)",
        "silent",
    ]


PRESENT = Presence(True, 0.9, -20.0)


def make(audio, visual, presence=PRESENT):
    mask = np.full((4, 6), presence.present)
    objects = (SoundingObject(visual, 0.9, (0, 0, 6, 4), (3.0, 2.0), 24),) if presence.present else ()
    label = UnifiedLabel(audio, visual, 0.9, 0.9, 0.8, 0.7)
    return Segmentation(0, 0, "camera", mask, mask.astype(np.uint8), label, presence, objects)
