"""Whose outline a label gets, and that its instances make up its mask."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from c3n_model.network.visual_encoder import VisualEncoder
from c3n_model.zero_shot.detections import Detections
from c3n_model.zero_shot.glimpses import Glimpse
from c3n_model.zero_shot.masks import AROUND_GLIMPSE, MaskMaker, View
from c3n_model.zero_shot.vocabulary import noun_vocabulary

SEGMENTS, BOXES = ("background", "person", "bird", "cat"), ("person", "bird", "dog", "skateboard")
SIDE = 64


class Closer:
    """A segmenter that finds a person in the left half of whatever it is shown."""

    labels = SEGMENTS

    def __call__(self, frames):
        masks = torch.zeros(len(frames), len(SEGMENTS), 32, 32)
        masks[:, 1, :, :16] = 1
        return masks


@pytest.fixture(scope="module")
def maker():
    torch.manual_seed(0)
    vocabulary = noun_vocabulary(("Speech", "Bird", "Bark", "Roar", "Skateboard"), SEGMENTS, BOXES)
    return MaskMaker(VisualEncoder("test_resnet", 1000).eval(), vocabulary, Closer(), BOXES, "affinity")


def label(maker, noun):
    return maker.vocabulary.labels.index(noun)


def view(masks=None, found=(), instance_masks=None):
    """A frame of noise; `masks` are windows of the segmenter's classes, `found` a detector's (class, score, box)."""
    planes = torch.zeros(len(SEGMENTS), SIDE, SIDE)
    for name, window in (masks or {}).items():
        planes[SEGMENTS.index(name)][window] = 1
    boxes = torch.tensor([box for *_, box in found], dtype=torch.float32).view(-1, 4)
    classes = torch.tensor([BOXES.index(name) for name, *_ in found], dtype=torch.int64)
    scores = torch.tensor([score for _, score, _ in found], dtype=torch.float32)
    frame = torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    return View(frame, planes, Detections(boxes, scores, classes, instance_masks))


def drawn(maker, seen, noun):
    logits, instances = maker.draw(seen, label(maker, noun))
    assert logits.shape == (SIDE, SIDE)
    return logits > 0, instances


LEFT, RIGHT, BOTH = np.s_[16:48, 4:24], np.s_[16:48, 40:60], np.s_[16:48, 4:60]
LEFT_BOX, RIGHT_BOX = (4 / 64, 0.25, 24 / 64, 0.75), (40 / 64, 0.25, 60 / 64, 0.75)


def test_boxes_separate_the_instances_of_the_segmenters_mask(maker):
    seen = view({"person": BOTH}, [("person", 0.9, LEFT_BOX), ("person", 0.6, RIGHT_BOX)])
    mask, instances = drawn(maker, seen, "person")
    assert instances.scores.tolist() == [pytest.approx(0.9), pytest.approx(0.6)]
    assert mask[16:48, 4:24].all() and mask[16:48, 40:60].all()
    assert not mask[:, 27:37].any()  # in no box, nor in the slack around one
    assert (instances.owner[16:48, 4:24] == 0).all() and (instances.owner[16:48, 40:60] == 1).all()


def test_of_boxes_that_overlap_each_pixel_has_one_owner_the_nearest(maker):
    seen = view(
        {"person": BOTH},
        [("person", 0.9, (4 / 64, 0.25, 40 / 64, 0.75)), ("person", 0.6, (24 / 64, 0.25, 60 / 64, 0.75))],
    )
    mask, instances = drawn(maker, seen, "person")
    assert mask[BOTH].all()
    assert (instances.owner[16:48, 4:32] == 0).all() and (instances.owner[16:48, 32:60] == 1).all()


def test_a_doubtful_box_counts_where_the_segmenter_confirms_it(maker):
    found = [("person", 0.15, LEFT_BOX), ("person", 0.15, RIGHT_BOX), ("bird", 0.15, RIGHT_BOX)]
    mask, instances = drawn(maker, view({"person": LEFT}, found), "person")
    assert len(instances.scores) == 1
    assert torch.equal(mask, view({"person": LEFT}).masks[1] > 0.5)


def test_without_a_box_the_segmenters_class_is_the_mask(maker):
    mask, instances = drawn(maker, view({"bird": LEFT}), "bird")
    assert instances is None
    assert torch.equal(mask, view({"bird": LEFT}).masks[2] > 0.5)


def test_an_instance_segmenters_own_mask_comes_first(maker):
    own = torch.zeros(1, 16, 16)
    own[0, 4:12, 1:3] = 1
    seen = view({"person": BOTH}, [("person", 0.9, LEFT_BOX)], own)
    mask, _ = drawn(maker, seen, "person")
    assert mask[20:44, 5:10].all() and not mask[:, 16:].any()


@pytest.mark.parametrize("noun", ["dog", "skateboard"])  # ImageNet has no skateboard: the crop's best class stands in
def test_labels_unknown_to_the_segmenter_use_the_activation_inside_the_box(maker, noun):
    mask, instances = drawn(maker, view({}, [(noun, 0.9, RIGHT_BOX)]), noun)
    assert instances.scores.tolist() == [pytest.approx(0.9)]
    assert mask[RIGHT].any()
    outside = mask.clone()
    outside[RIGHT] = False
    assert not outside.any()


def test_a_wider_class_shows_a_kind(maker):
    mask, instances = drawn(maker, view({"bird": LEFT}, [("bird", 0.9, LEFT_BOX)]), "owl")
    assert len(instances.scores) == 1
    assert mask[LEFT].all()


@pytest.mark.parametrize(("other", "taken"), [("cat", True), ("person", False)])
def test_an_outline_may_have_another_label_except_person(maker, monkeypatch, other, taken):
    activation = torch.full((SIDE, SIDE), -3.0)
    activation[18:48, 4:22] = 3.0
    monkeypatch.setattr(maker, "_activation", lambda *arguments: activation)
    mask, instances = drawn(maker, view({other: LEFT}), "lion")
    assert instances is None
    assert mask.sum() == (32 * 20 if taken else 30 * 18)


def test_a_label_that_no_model_finds_has_an_empty_mask(maker):
    mask, instances = drawn(maker, view(), "person")
    assert instances is None
    assert not mask.any()


def test_a_box_of_one_pixel_at_the_edge_is_accepted(maker):
    mask, _ = drawn(maker, view({}, [("dog", 0.9, (0.999, 0.999, 1.0, 1.0))]), "dog")
    assert mask.sum() <= 1


def test_in_a_small_box_the_segmenter_looks_closer(maker):
    box = (24 / 64, 24 / 64, 40 / 64, 32 / 64)  # 3 % of the picture
    mask, _ = drawn(maker, view({}, [("person", 0.9, box)]), "person")
    assert mask[24:32, 24:31].all()
    assert not mask[:, 33:].any() and not mask[:22].any() and not mask[34:].any()


def glimpse_of(maker, noun, box):
    return Glimpse(label(maker, noun), -0.1, torch.tensor(box))


def test_a_glimpse_is_activated_where_it_was_seen(maker):
    seen = replace(view({}), glimpse=glimpse_of(maker, "lion", (0.75, 0.75, 0.9, 0.9)))
    mask, _ = drawn(maker, seen, "lion")
    edge = int(64 * (0.75 - AROUND_GLIMPSE * 0.15))
    assert mask[edge:, edge:].any()
    mask[edge:, edge:] = False
    assert not mask.any()
    whole, _ = drawn(maker, seen, "tiger")
    assert torch.equal(whole, drawn(maker, view({}), "tiger")[0]), "the glimpse is of another label"


def test_a_segmenters_mask_outside_a_glimpse_is_another_object(maker):
    seen = replace(view({"bird": LEFT}), glimpse=glimpse_of(maker, "bird", (0.8, 0.0, 1.0, 0.2)))
    mask, _ = drawn(maker, seen, "bird")
    assert mask.any() and not mask[:, :32].any()
    seen = replace(view({"bird": RIGHT}), glimpse=glimpse_of(maker, "bird", (0.5, 0.25, 1.0, 0.75)))
    assert torch.equal(drawn(maker, seen, "bird")[0], seen.masks[2] > 0.5)


def test_of_a_class_that_outlines_an_object_only_its_region_counts(maker, monkeypatch):
    activation = torch.full((SIDE, SIDE), -3.0)
    activation[18:48, 4:22] = 3.0
    monkeypatch.setattr(maker, "_activation", lambda *arguments: activation)
    seen = view({"cat": LEFT})
    seen.masks[SEGMENTS.index("cat")][RIGHT] = 1  # a second region of the class, at another place
    mask, _ = drawn(maker, seen, "lion")
    assert mask[LEFT].all() and not mask[:, 32:].any()
