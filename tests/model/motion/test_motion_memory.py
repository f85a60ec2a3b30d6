"""From images and sound to the chosen object: things whose motion is known, and what must have no effect."""

from dataclasses import replace

import numpy as np
import pytest

from c3n_model.experiments.motion import scenes
from c3n_model.experiments.motion.bench import decided, seen
from c3n_model.experiments.motion.scenes import BORDER, HEIGHT, IMAGES_PER_S, WIDTH, Motion, Thing
from c3n_model.experiments.motion.sounds import RATE, SECONDS, STEPS_PER_S, synthetic_level, synthetic_sound
from c3n_model.motion.motion_memory import MotionMemory
from c3n_model.types import FRAME_OFFSET_NS, NANOSECONDS_PER_SECOND, AudioChunk, Frame, Window

LEVEL, OTHER = synthetic_level(np.random.default_rng(5)), synthetic_level(np.random.default_rng(6))
SOUND = synthetic_sound(LEVEL, np.random.default_rng(5)).astype(np.float32)
TIMES_S = np.arange(SECONDS * IMAGES_PER_S) / IMAGES_PER_S


def following(level):
    """A motion of up to four pixels that shakes with a level."""
    size = 4 * np.interp(TIMES_S, np.arange(len(level)) / STEPS_PER_S, level) * np.sin(2 * np.pi * 4 * TIMES_S)
    return Motion(np.stack([size, 0.5 * size], axis=1), np.zeros(len(size)))


STILL = Motion(np.zeros((len(TIMES_S), 2)), np.zeros(len(TIMES_S)))


def result(*motions, camera="still", gain=lambda time_s: 1.0, sound=SOUND, order=None):
    """The result after six seconds of discs with these motions, from left to right."""
    random = np.random.default_rng(8)
    background = scenes.texture(HEIGHT + 2 * BORDER, WIDTH + 2 * BORDER, 8, random)
    spots = [WIDTH * (index + 1) / (len(motions) + 1) for index in range(len(motions))]
    things = [Thing(*scenes.disc(random), (spot, 36.0), motion) for spot, motion in zip(spots, motions, strict=True)]
    path = scenes.camera_path(camera, random)
    numbers = []
    for second in range(SECONDS):
        numbered = np.zeros((HEIGHT, WIDTH), np.uint16)
        for index in order or range(len(things)):
            alpha = things[index].alpha_in(int((second + 15 / 16) * IMAGES_PER_S), path)
            numbered[alpha > 0.5] = (order or list(range(len(things)))).index(index) + 1
        numbers.append(numbered)

    def frames():
        for number in range(0, len(TIMES_S), 3):
            picture = gain(TIMES_S[number]) * scenes.draw(background, things, number, path)
            yield Frame(
                np.repeat(picture[..., None], 3, axis=2).astype(np.uint8), number * NANOSECONDS_PER_SECOND // 30
            )

    return decided(frames(), numbers, sound, RATE)


def motions_of(found):
    return [each.motion for each in found.objects]


@pytest.mark.parametrize("right", [0, 1, 2])
def test_the_one_that_moves_with_the_sound_is_chosen_of_three(right):
    motions = [following(OTHER), STILL]
    motions.insert(right, following(LEVEL))
    found = result(*motions)
    assert found.motion_decision == "chosen" and [each.id for each in found.objects] == [right + 1]
    assert found.objects[0].motion > 0.5


def test_in_another_order_the_same_one_is_chosen():
    motions = (following(OTHER), following(LEVEL), STILL)
    one, other = result(*motions), result(*motions, order=[2, 1, 0])
    assert np.array_equal(one.mask, other.mask) and motions_of(one) == pytest.approx(motions_of(other), abs=1e-6)


@pytest.mark.parametrize(
    "gain", [lambda time_s: 0.5, lambda time_s: 0.7 + 0.3 * np.sin(time_s), lambda time_s: 1 - time_s % 1 / 2]
)
def test_brightness_has_no_effect(gain):
    found, plain = (result(following(OTHER), following(LEVEL), gain=each) for each in (gain, lambda time_s: 1.0))
    assert [each.id for each in found.objects] == [2] and motions_of(found) == pytest.approx(motions_of(plain), abs=0.1)


@pytest.mark.parametrize("camera", ["pans", "shakes"])
def test_a_camera_that_moves_chooses_nothing(camera):
    found = result(STILL, STILL, camera=camera)
    assert found.motion_decision == "unclear" and len(found.objects) == 2


def test_while_the_camera_turns_the_right_one_is_chosen():
    found = result(STILL, following(LEVEL), camera="pans")
    assert [each.id for each in found.objects] == [2]


@pytest.mark.parametrize(
    "motions, sound",
    [
        ((STILL, STILL), SOUND),
        ((following(LEVEL), following(LEVEL)), SOUND),
        ((following(OTHER), STILL), SOUND),
        ((following(LEVEL), STILL), np.zeros_like(SOUND)),
        ((following(LEVEL), STILL), np.full_like(SOUND, 0.1)),
    ],
)
def test_nothing_is_chosen_where_nothing_or_everything_follows_the_sound(motions, sound):
    found = result(*motions, sound=sound)
    assert found.motion_decision == "unclear" and len(found.objects) == 2


class Stream:
    """Seconds of a moving and a standing disc for a memory."""

    def __init__(self):
        self.memory, random = MotionMemory(), np.random.default_rng(1)
        self.background = scenes.texture(HEIGHT + 2 * BORDER, WIDTH + 2 * BORDER, 8, random)
        self.things = [
            Thing(*scenes.disc(random), (x, 36.0), motion) for x, motion in ((30.0, following(LEVEL)), (66.0, STILL))
        ]
        self.path = np.zeros((len(TIMES_S), 2))
        self.numbers = np.zeros((HEIGHT, WIDTH), np.uint16)
        for index, thing in enumerate(self.things, start=1):
            self.numbers[thing.alpha_in(0, self.path) > 0.5] = index

    def see(self, second, until_ns=FRAME_OFFSET_NS, begin_ns=0):
        """Show the images up to `until_ns` of a second."""
        for number in range(second * 30, second * 30 + 30):
            stamp_ns = number * NANOSECONDS_PER_SECOND // 30
            if stamp_ns - second * NANOSECONDS_PER_SECOND <= until_ns:
                picture = scenes.draw(self.background, self.things, number, self.path).astype(np.uint8)
                self.memory.see(Frame(np.repeat(picture[..., None], 3, axis=2), begin_ns + stamp_ns))

    def choose(self, second, begin_ns=0, shown=None):
        start_ns = begin_ns + second * NANOSECONDS_PER_SECOND
        frame = Frame(np.zeros((HEIGHT, WIDTH, 3), np.uint8), start_ns + 28 * NANOSECONDS_PER_SECOND // 30)
        snippet = SOUND[second * RATE : (second + 1) * RATE]
        return self.memory.choose(shown or seen(self.numbers, start_ns), Window(start_ns, frame, snippet))


def test_two_seconds_are_needed_and_the_clock_may_jump_back():
    stream, decisions = Stream(), []
    for begin_ns in (100 * NANOSECONDS_PER_SECOND, 0):
        for second in range(4):
            stream.see(second, begin_ns=begin_ns)
            decisions.append(stream.choose(second, begin_ns).motion_decision)
    assert decisions[:4] == decisions[4:] and decisions[:2] == ["unclear"] * 2 and decisions[3] == "chosen"


def test_images_after_the_frame_of_a_window_do_not_count_for_it():
    early, late = Stream(), Stream()
    for second in range(4):
        for stream, until_ns in ((early, FRAME_OFFSET_NS), (late, NANOSECONDS_PER_SECOND)):
            stream.see(second, until_ns)
    assert motions_of(early.choose(3)) == motions_of(late.choose(3))


def test_one_object_or_none_is_left_as_it_is():
    stream = Stream()
    one = np.where(stream.numbers == 1, 1, 0).astype(np.uint16)
    for second, numbers in enumerate((one, np.zeros_like(one))):
        stream.see(second)
        shown = seen(numbers, second * NANOSECONDS_PER_SECOND)
        assert stream.choose(second, shown=shown) is shown


def test_an_object_that_was_not_named_for_some_seconds_is_known_by_where_it_was():
    stream = Stream()
    for second in range(5):
        stream.see(second)
        start_ns = second * NANOSECONDS_PER_SECOND
        shown = None if second in (0, 4) else seen(np.zeros_like(stream.numbers), start_ns)
        found = stream.choose(second, shown=shown)
    assert found.motion_decision == "chosen" and [each.id for each in found.objects] == [1]


def test_objects_without_ids_and_recordings_without_images_are_left_alone():
    stream = Stream()
    shown = seen(stream.numbers, 0)
    assert stream.choose(0, shown=shown) is shown
    for second in range(1, 5):
        stream.see(second)
        untracked = seen(stream.numbers, second * NANOSECONDS_PER_SECOND)
        untracked = replace(untracked, objects=tuple(replace(each, id=0) for each in untracked.objects))
        found = stream.choose(second, shown=untracked)
        assert found.motion_decision == "unclear" and motions_of(found) == [None, None]
    stream.memory.see(AudioChunk(np.zeros((10, 1), np.float32), RATE, 0))


def test_another_image_size_begins_anew():
    stream = Stream()
    for second in range(3):
        stream.see(second)
        stream.choose(second)
    for number in range(90, 120):
        stream.memory.see(Frame(np.zeros((90, 96, 3), np.uint8), number * NANOSECONDS_PER_SECOND // 30))
    start_ns = 3 * NANOSECONDS_PER_SECOND
    larger = np.zeros((90, 96), np.uint16)
    larger[:HEIGHT] = stream.numbers
    assert stream.choose(3, shown=seen(larger, start_ns)).motion_decision == "unclear"
