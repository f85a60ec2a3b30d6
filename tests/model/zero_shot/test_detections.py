"""Detections of two detectors: joined, and one for each object."""

import pytest
import torch

from c3n_model.zero_shot.detections import Detections, joined, no_detections, one_per_object

LEFT, NEARLY_LEFT, RIGHT = (0.0, 0.0, 0.5, 1.0), (0.0, 0.0, 0.5, 0.9), (0.5, 0.0, 1.0, 1.0)


def detections(*found, masks=None):
    """`found` are (class, score, box)."""
    boxes = torch.tensor([box for *_, box in found]).view(-1, 4)
    return Detections(boxes, torch.tensor([s for _, s, _ in found]), torch.tensor([c for c, *_ in found]).long(), masks)


def test_joined_detections_are_best_first():
    both = joined(detections((0, 0.9, LEFT), (1, 0.2, RIGHT)), detections((5, 0.5, RIGHT)))
    assert both.classes.tolist() == [0, 5, 1] and both.masks is None
    assert both.scores.tolist() == pytest.approx([0.9, 0.5, 0.2])
    assert both.boxes[1].tolist() == list(RIGHT)


def test_instances_without_a_mask_stay_without():
    both = joined(detections((0, 0.3, LEFT)), detections((1, 0.9, RIGHT), masks=torch.ones(1, 4, 4)))
    assert both.outlined.tolist() == [True, False]
    assert both.select(torch.tensor([1])).outlined.tolist() == [False]
    assert both.masks[0].eq(1).all()


def test_masks_get_one_size():
    planes = torch.zeros(1, 2, 2)
    planes[0, :, 1] = 1.0
    both = joined(detections((0, 0.9, LEFT), masks=torch.ones(1, 8, 8)), detections((1, 0.3, RIGHT), masks=planes))
    assert both.masks.shape == (2, 8, 8)
    assert (both.masks[1, :, 0] == 0).all() and (both.masks[1, :, 7] == 1).all()


def test_joining_nothing():
    nothing = no_detections(torch.device("cpu"))
    some = detections((0, 0.9, LEFT), masks=torch.ones(1, 8, 8))
    for pair in ((nothing, some), (some, nothing)):
        assert joined(*pair).masks.equal(some.masks) and joined(*pair).classes.equal(some.classes)
    assert len(joined(nothing, nothing)) == 0


def test_one_detection_for_each_object():
    found = one_per_object(detections((0, 0.9, LEFT), (1, 0.8, NEARLY_LEFT), (0, 0.3, RIGHT)))
    assert found.classes.tolist() == [0, 0]
    assert found.boxes.tolist() == [list(LEFT), list(RIGHT)]


def test_an_outline_is_kept_and_the_best_score():
    masks = torch.stack([torch.full((4, 4), torch.nan), torch.ones(4, 4), torch.full((4, 4), torch.nan)])
    found = one_per_object(detections((0, 0.9, LEFT), (1, 0.4, NEARLY_LEFT), (0, 0.6, RIGHT), masks=masks))
    assert found.classes.tolist() == [1, 0]
    assert found.scores.tolist() == pytest.approx([0.9, 0.6])
    assert found.outlined.tolist() == [True, False]


def test_no_object():
    assert len(one_per_object(no_detections(torch.device("cpu")))) == 0
