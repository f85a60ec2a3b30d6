"""Glimpses find what fills a small part of a frame, and where."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from toy_zero_shot import SAMPLES, SOUNDS, LeftHalf, make_network

from c3n_model.zero_shot import glimpses
from c3n_model.zero_shot.glimpses import look_closer, search
from c3n_model.zero_shot.logit_statistics import LogitStatistics


class RedOrBlue(nn.Module):
    """A classifier of mean colour over the places of a stride of 32: class 0 is red, 1 blue, 2 neither."""

    mean = std = None

    def __init__(self):
        super().__init__()
        self.mean, self.std = torch.zeros(1, 3, 1, 1), torch.ones(1, 3, 1, 1)
        self.backbone = SimpleNamespace(
            forward_features=lambda frames: F.avg_pool2d(frames, 32), forward_head=lambda maps: self._head(maps)
        )

    def _head(self, maps):
        red, _, blue = maps.mean(dim=(2, 3)).unbind(dim=1)
        return 8 * torch.stack([red, blue, 0.5 * torch.ones_like(red)], dim=1)

    def forward(self, frames):
        return [], self._head(frames)


MEMBERS = torch.eye(3, dtype=torch.bool)[:2]


def frame_with_blue(top, left, side=256, length=640):
    frame = torch.zeros(3, length, length)
    frame[2, top : top + side, left : left + side] = 1
    return frame


@torch.no_grad()
@pytest.mark.parametrize(("top", "left"), [(0, 0), (384, 0), (192, 256), (320, 384)])
def test_the_best_window_contains_the_object(top, left):
    confidence, boxes = search(RedOrBlue(), frame_with_blue(top, left), MEMBERS)
    assert confidence[1] > confidence[0]
    x0, y0, x1, y1 = (640 * boxes[1]).tolist()
    assert x1 - x0 == pytest.approx(320) and y1 - y0 == pytest.approx(320)
    assert x0 <= left and y0 <= top and left + 256 <= x1 and top + 256 <= y1


@torch.no_grad()
def test_a_part_shows_more_than_the_whole():
    frame, classifier = frame_with_blue(0, 0), RedOrBlue()
    whole = classifier(frame[None])[1].log_softmax(dim=1)[0, 1].item()
    _, boxes = search(classifier, frame, MEMBERS)
    closer = look_closer(classifier, frame, boxes[1], MEMBERS[1])
    assert closer > whole + 1
    assert look_closer(classifier, frame, torch.tensor([0.0, 0.0, 1.0, 1.0]), MEMBERS[1]) == pytest.approx(
        whole, abs=0.02
    )


@torch.no_grad()
def test_a_label_of_several_classes_has_the_sum_of_their_probabilities():
    both = torch.tensor([[True, True, False]])
    confidence, _ = search(RedOrBlue(), frame_with_blue(0, 0), both)
    single, _ = search(RedOrBlue(), frame_with_blue(0, 0), MEMBERS)
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
