"""What counts as motion between two pictures: not brightness, not noise, not the camera."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c3n_model.experiments.motion.scenes import texture
from c3n_model.motion.image_change import grown, measure_change
from c3n_model.motion.small_pictures import is_due, shrink
from c3n_model.types import Frame

PATTERN = texture(120, 144, 8, np.random.default_rng(0))
OBJECT = np.zeros((72, 96), bool)
OBJECT[20:40, 30:50] = True


def picture(shift=(0, 0), moved=0):
    """A view of the pattern, shifted in whole pixels, with an object that is `moved` to the right."""
    seen = PATTERN[24 + shift[1] : 96 + shift[1], 24 + shift[0] : 120 + shift[0]].copy()
    seen[20:40, 30 + moved : 50 + moved] = PATTERN[:20, :20]
    return seen.astype(np.uint8)


def test_what_moves_changes_and_nothing_else_does():
    change = measure_change(picture(), picture(moved=2), ~grown(OBJECT))
    assert change[OBJECT].mean() > 0.05 and not change[~grown(OBJECT)].any()
    assert not measure_change(picture(), picture(), ~grown(OBJECT)).any()


def test_pictures_are_not_written_to():
    before, after = picture(), picture(shift=(3, 1))
    kept = before.copy(), after.copy()
    measure_change(before, after, ~grown(OBJECT))
    assert np.array_equal(before, kept[0]) and np.array_equal(after, kept[1])


@pytest.mark.parametrize("shift", [(3, 0), (-6, 2), (1, -1)])
def test_a_camera_that_turns_moves_no_object(shift):
    seen = PATTERN.astype(np.uint8)
    before, after = (seen[24 + y : 96 + y, 24 + x : 120 + x] for x, y in ((0, 0), shift))
    still = measure_change(before, after, ~grown(OBJECT))[OBJECT].mean()
    assert still < 0.2 * np.abs(after.astype(float) - before)[OBJECT].mean() / before.mean()


def test_a_large_object_that_moves_is_no_camera_that_turns():
    large = np.zeros((72, 96), bool)
    large[5:67, 10:86] = True
    flat = np.full((72, 96), 100, np.uint8)
    before, after = flat.copy(), flat.copy()
    before[large], after[large] = PATTERN[20:82, 20:96].ravel(), PATTERN[20:82, 23:99].ravel()
    assert measure_change(before, after, ~large)[large].mean() > 0.05


@given(st.floats(0.4, 1.0), st.floats(0.4, 1.0))
def test_brightness_is_no_motion(first_gain, second_gain):
    before, after = (
        (gain * shown).astype(np.uint8) for gain, shown in ((first_gain, picture()), (second_gain, picture(moved=2)))
    )
    expected = measure_change(picture(), picture(moved=2), ~grown(OBJECT))[OBJECT].mean()
    assert measure_change(before, after, ~grown(OBJECT))[OBJECT].mean() == pytest.approx(expected, rel=0.15)


def test_noise_is_no_motion():
    random = np.random.default_rng(1)
    before, after = (np.clip(picture() + random.normal(scale=3, size=(72, 96)), 0, 255).astype(np.uint8) for _ in "ab")
    assert measure_change(before, after, ~grown(OBJECT)).mean() < 0.002


def test_without_background_the_whole_picture_is_it():
    change = measure_change(picture(), picture(moved=2), np.zeros((72, 96), bool))
    assert change[OBJECT].mean() > 0.05 and np.isfinite(change).all()


@pytest.mark.parametrize("size", [(1, 96), (90, 1), (1, 1), (7, 9)])
def test_pictures_may_be_tiny(size):
    before, after = np.full(size, 10, np.uint8), np.full(size, 200, np.uint8)
    assert not measure_change(before, after, np.ones(size, bool)).any()


@pytest.mark.parametrize("size", [(1080, 1920), (72, 96), (30, 40), (500, 20)])
def test_small_pictures_keep_proportions_and_brightness(size):
    rgb = np.zeros((*size, 3), np.uint8)
    rgb[:, size[1] // 2 :] = 200
    small = shrink(Frame(rgb, 7))
    height, width = small.gray.shape
    assert width == min(size[1], 96) and height == round(size[0] * width / size[1]) and small.stamp_ns == 7
    assert small.gray[:, 0].max() == 0 and small.gray[:, -1].min() == 200


def test_the_first_image_of_each_tenth_of_a_second_is_due():
    stamps, due, newest = [number * 1_000_000_000 // 30 for number in range(31)], [], None
    for stamp_ns in stamps:
        if is_due(stamp_ns, newest):
            due.append(stamp_ns)
            newest = stamp_ns
    assert due == stamps[::3]
