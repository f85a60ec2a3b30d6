"""Glimpses find what fills a small part of a frame, and where."""

import math

import pytest
import torch
from colour_classifier import RedOrBlue
from toy_zero_shot import SAMPLES, SOUNDS, LeftHalf, make_network

from c3n_model.zero_shot import glimpses
from c3n_model.zero_shot.glimpses import DISCOUNT, MIDDLE, SLOPE, WINDOWS, best_windows, search
from c3n_model.zero_shot.logit_statistics import LogitStatistics
from c3n_model.zero_shot.visual_prior import TAIL, VisualPrior

MEMBERS = torch.eye(3, dtype=torch.bool)[:2]


def frame_with_blue(top, left, side=256, length=640):
    frame = torch.zeros(3, length, length)
    frame[2, top : top + side, left : left + side] = 1
    return frame


@torch.no_grad()
@pytest.mark.parametrize("side", [100, 160, 256])
@pytest.mark.parametrize(("top", "left"), [(0, 0), (384, 0), (192, 256), (320, 384)])
def test_the_best_window_is_about_the_object(top, left, side):
    confidence, boxes = search(RedOrBlue(), frame_with_blue(top, left, side), MEMBERS, None)
    assert confidence[1] > confidence[0]
    x0, y0, x1, y1 = (640 * boxes[1]).tolist()
    assert min(abs((x1 - x0) / 640 - side) for side in WINDOWS) < 0.02
    overlap = (min(x1, left + side) - max(x0, left)) * (min(y1, top + side) - max(y0, top))
    assert overlap > 0.9 * min(side**2, (x1 - x0) * (y1 - y0)) * 0.8


@torch.no_grad()
def test_a_part_shows_more_than_the_whole():
    frame, classifier = frame_with_blue(0, 0, 160), RedOrBlue()
    whole = classifier(frame[None])[1].log_softmax(dim=1)[0, 1].item()
    best, _ = best_windows(classifier, frame, MEMBERS)
    assert best[1] > whole + 2


def prior_with_rarity(best: torch.Tensor, rarity: torch.Tensor) -> VisualPrior:
    """A prior by which windows with log-probabilities `best` have this rarity."""
    excess = torch.full_like(best, 0.5)
    return VisualPrior(best - excess * (rarity + math.log(TAIL)), excess)


@torch.no_grad()
def test_confidence_is_how_rare_the_window_is():
    frame, classifier = frame_with_blue(0, 0), RedOrBlue()
    best, _ = best_windows(classifier, frame, MEMBERS)
    at_middle = prior_with_rarity(best, torch.full_like(best, MIDDLE))
    confidence, boxes = search(classifier, frame, MEMBERS, at_middle)
    assert confidence.exp().tolist() == pytest.approx([1 / 3, 1 / 3]), "of two that are sought, each has half the odds"
    alone, _ = search(classifier, frame, MEMBERS[1:], at_middle.select(torch.tensor([1])))
    assert alone.exp().tolist() == pytest.approx([0.5])
    rarer, same = search(classifier, frame, MEMBERS, prior_with_rarity(best, torch.full_like(best, MIDDLE + 1)))
    assert (rarer.exp() / (1 - rarer.exp())).log().tolist() == pytest.approx([SLOPE - math.log(2)] * 2, abs=1e-4)
    assert torch.equal(boxes, same)
    assert search(classifier, frame, MEMBERS, None)[0].tolist() == pytest.approx((best - DISCOUNT).tolist())


@torch.no_grad()
def test_a_label_of_several_classes_has_the_sum_of_their_probabilities():
    both = torch.tensor([[True, True, False]])
    confidence, _ = search(RedOrBlue(), frame_with_blue(0, 0), both, None)
    single, _ = search(RedOrBlue(), frame_with_blue(0, 0), MEMBERS, None)
    assert confidence[0] > single.max()


@torch.no_grad()
@pytest.mark.parametrize(("sound", "looks"), [("bark", True), ("animal", False), ("speech", False), (None, False)])
def test_parts_are_looked_at_only_for_an_evident_sound(monkeypatch, sound, looks):
    prior = LogitStatistics(torch.zeros(3), torch.ones(3))
    network = make_network(LeftHalf(), prior=prior)
    logits = torch.tensor([[30.0 if name == sound else -30.0 for name in SOUNDS]])
    network.audio_encoder.forward = lambda snippets: (None, logits.expand(len(snippets), 3))
    searched = []
    monkeypatch.setattr(
        "c3n_model.zero_shot.zero_shot.search", lambda *arguments: searched.append(1) or glimpses.search(*arguments)
    )
    encoding = network.encode(torch.rand(1, 3, 32, 32), torch.zeros(1, SAMPLES))
    network.decode(encoding, torch.ones(1, 1, dtype=torch.bool))
    assert bool(searched) == looks


@torch.no_grad()
def test_a_frame_full_of_what_is_always_seen_shows_nothing():
    """The prior of this camera: what its pictures look like anyhow is no evidence of an object."""
    frame, classifier = frame_with_blue(0, 0), RedOrBlue()
    best, _ = best_windows(classifier, frame, MEMBERS)
    usual = prior_with_rarity(best, torch.zeros_like(best))
    rare = prior_with_rarity(best, torch.full_like(best, 6.0))  # one unrelated picture in 400
    seldom, often = (search(classifier, frame, MEMBERS, prior)[0] for prior in (rare, usual))
    assert (often.exp() < 1e-3).all() and (seldom > often + 2).all()


@torch.no_grad()
def test_what_the_whole_frame_shows_anyhow_counts_less_in_its_parts():
    blue = torch.zeros(3, 640, 640)
    blue[2] = 1
    alone = frame_with_blue(0, 0)
    everywhere, part = (best_windows(RedOrBlue(), frame, MEMBERS)[0][1] for frame in (blue, alone))
    assert part > everywhere
