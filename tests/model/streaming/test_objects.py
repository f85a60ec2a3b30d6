"""The objects of a mask: by hand, and the property that instances make up the whole mask."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from c3n_model.streaming.objects import objects_of


def test_a_speck_is_no_object():
    mask = np.zeros((400, 500), bool)
    mask[100:120, 100:110] = True
    mask[300, 300] = True
    (found,), numbers = objects_of(mask, mask.astype(np.float32), "dog", None, None)
    assert (found.box, found.area) == ((100, 100, 10, 20), 200)
    assert numbers.sum() == 200


def test_instances_by_hand():
    mask = np.zeros((6, 10), bool)
    mask[1:4, 1:9] = True
    owner = np.zeros((6, 10), int)
    owner[:, 3:] = 2  # the second instance owns no pixel
    found, numbers = objects_of(mask, mask.astype(np.float32), "dog", owner, np.array([0.4, 0.9, 0.7]))
    larger, smaller = found
    assert (larger.label, larger.box, larger.area, larger.centroid) == ("dog", (3, 1, 6, 3), 18, (5.5, 2.0))
    assert (smaller.box, smaller.area, smaller.centroid) == ((1, 1, 2, 3), 6, (1.5, 2.0))
    assert (larger.score, smaller.score) == (0.7, 0.4)
    assert numbers.tolist()[1] == [0, 2, 2, 1, 1, 1, 1, 1, 1, 0]


@given(arrays(bool, (12, 9)), arrays(np.int16, (12, 9), elements=st.integers(0, 3)))
def test_instances_are_the_whole_mask_and_share_no_pixel(mask, owner):
    found, numbers = objects_of(mask, mask.astype(np.float32), "dog", owner, np.full(4, 0.5))
    assert np.array_equal(numbers > 0, mask)
    assert sum(one.area for one in found) == mask.sum()
    for number, one in enumerate(found, start=1):
        pixels = numbers == number
        x, y, width, height = one.box
        assert pixels.sum() == pixels[y : y + height, x : x + width].sum() == one.area
        assert (mask & (owner == owner[pixels][0]) == pixels).all()


@given(arrays(bool, (12, 9)))
def test_without_instances_the_objects_are_the_regions(mask):
    probability = np.where(mask, 0.75, 0.1).astype(np.float32)
    found, numbers = objects_of(mask, probability, "dog", None, None)
    regions, count = ndimage.label(mask, structure=np.ones((3, 3)))  # an independent implementation
    expected = {
        (
            columns.start,
            rows.start,
            columns.stop - columns.start,
            rows.stop - rows.start,
            int((regions == number).sum()),
        )
        for number, (rows, columns) in enumerate(ndimage.find_objects(regions), start=1)
    }
    assert len(found) == count and {(*one.box, one.area) for one in found} == expected
    assert all(one.score == pytest.approx(0.75) and one.label == "dog" for one in found)
    assert [one.area for one in found] == sorted((one.area for one in found), reverse=True)
    assert np.array_equal(numbers > 0, mask)  # in so small an image a single pixel is large enough
    assert [(numbers == number).sum() for number in range(1, len(found) + 1)] == [one.area for one in found]


def test_many_regions_are_each_worked_on_within_their_box(monkeypatch):
    """264 regions of 1080p: what is looked at besides the whole picture once is no more than the boxes together."""
    mask = np.zeros((1080, 1920), bool)
    for row, column in np.ndindex(12, 22):
        mask[90 * row : 90 * row + 60, 87 * column : 87 * column + 60] = True
    looked_at = []
    mean = cv2.mean
    monkeypatch.setattr(
        "c3n_model.streaming.objects.cv2.mean",
        lambda values, pixels: looked_at.append(values.size) or mean(values, pixels),
    )
    found, numbers = objects_of(mask, mask.astype(np.float32), "dog", None, None)
    assert len(found) == 264 and all(one.score == 1 and one.area == 3600 for one in found)
    assert sum(looked_at) == mask.sum() == (numbers > 0).sum()
