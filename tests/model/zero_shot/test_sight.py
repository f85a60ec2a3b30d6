"""When an eye need not look again: what it keeps of its last look."""

import pytest
import torch

from c3n_model.zero_shot.detections import Detections
from c3n_model.zero_shot.sight import MOVED, SIDE, Sight, small_picture

FRAME = torch.rand(3, 128, 128, generator=torch.Generator().manual_seed(0))
FOUND = Detections(torch.tensor([[0.0, 0.0, 0.25, 0.25]]), torch.tensor([0.9]), torch.tensor([0]))


@pytest.fixture
def sight():
    sight = Sight()
    sight.remember(("dog", "wolf"), FRAME, FOUND)
    return sight


def test_nothing_is_recalled_before_the_first_look():
    assert Sight().recall(("dog",), FRAME, 5) is None


def test_what_was_found_is_recalled_until_the_nth_window(sight):
    assert [sight.recall(("dog",), FRAME, 3) is FOUND for _ in range(3)] == [True, True, False]


def test_a_new_noun_needs_a_look_and_fewer_do_not(sight):
    assert sight.recall((), FRAME, 9) is FOUND
    assert sight.recall(("wolf",), FRAME, 9) is FOUND
    assert sight.recall(("dog", "cat"), FRAME, 9) is None


def test_another_picture_needs_a_look(sight):
    assert sight.recall(("dog",), (FRAME + 0.9 * MOVED), 9) is FOUND
    assert sight.recall(("dog",), (FRAME + 1.1 * MOVED), 9) is None


@pytest.mark.parametrize(
    ("place", "kept"), [((slice(0, 32), slice(0, 32)), False), ((slice(96, 128), slice(0, 32)), True)]
)
def test_a_change_in_a_box_needs_a_look_and_a_small_one_elsewhere_does_not(sight, place, kept):
    other = FRAME.clone()
    other[:, place[0], place[1]] += 2 * MOVED
    assert (sight.recall(("dog",), other, 9) is FOUND) is kept


def test_forgetting(sight):
    sight.forget()
    assert sight.recall(("dog",), FRAME, 9) is None


def test_small_pictures_are_means_of_grey_values():
    picture = small_picture(FRAME)
    assert picture.shape == (SIDE, SIDE)
    assert picture[0, 0] == pytest.approx(FRAME[:, :4, :4].mean().item())
