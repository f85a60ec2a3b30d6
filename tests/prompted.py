"""Stand-ins for the models of an open-vocabulary eye, and a zero-shot network with one."""

from __future__ import annotations

import torch
from torch import nn

from c3n_model.config import ZeroShotConfig
from c3n_model.model import Model
from c3n_model.network.visual_encoder import VisualEncoder
from c3n_model.zero_shot.detections import Detections
from c3n_model.zero_shot.logit_statistics import LogitStatistics
from c3n_model.zero_shot.open_vocabulary import OpenVocabularyEye, source_nouns
from c3n_model.zero_shot.vocabulary import noun_vocabulary
from c3n_model.zero_shot.zero_shot import ZeroShot

SIDE, SAMPLES = 64, 120
SOUNDS = ("Bark", "Speech", "Helicopter", "Animal")
RIGHT = (0.5, 0.25, 1.0, 0.75)


class Ear(nn.Module):
    """Logits of the sounds: 20 times the mean of each quarter of the samples."""

    sample_rate = SAMPLES

    def forward(self, snippets):
        return None, 20 * snippets.unflatten(1, (-1, len(SOUNDS), SAMPLES // len(SOUNDS))).mean(dim=(1, 3))


class Prompted:
    """A prompted detector that knows where things are: `places` maps nouns to (box, score); remembers what it was asked."""

    usual_score = 0.5

    def __init__(self, places=None):
        self.places, self.asked = {"helicopter": (RIGHT, 0.8)} if places is None else places, []

    def __call__(self, frame, nouns):
        self.asked.append(nouns)
        seen = [(number, *self.places[noun]) for number, noun in enumerate(nouns) if noun in self.places]
        boxes = torch.tensor([box for _, box, _ in seen]).view(-1, 4)
        return Detections(boxes, torch.tensor([s for *_, s in seen]), torch.tensor([n for n, *_ in seen]).long())


class TopHalves:
    """An outliner: the upper half of each box."""

    def __call__(self, frame, boxes):
        masks = torch.zeros(len(boxes), 32, 32)
        for mask, (x0, y0, x1, y1) in zip(masks, (32 * boxes).int().tolist()):
            mask[y0 : (y0 + y1) // 2, x0:x1] = 1.0
        return masks


class Dogs:
    """A closed detector: a dog in the left half of every picture."""

    labels = ("dog", "car")

    def __call__(self, frames):
        box = torch.tensor([[0.0, 0.25, 0.5, 0.75]])
        return [Detections(box, torch.tensor([0.9]), torch.tensor([0])) for _ in frames]


def make_eye(detector, outliner=None, every=5, own_score=0.0):
    labels = source_nouns(SOUNDS)
    return OpenVocabularyEye(detector, outliner, labels, every=every, own_score=own_score, score=0.3, min_score=0.1)


def make_model(eye, detector=None, prior=True, eye_labels=None) -> Model:
    """A zero-shot model with the labels of `eye_labels` (default: those of the eye), whether or not it has an eye."""
    torch.manual_seed(0)
    asked = eye_labels if eye_labels is not None else eye.labels if eye is not None else ()
    vocabulary = noun_vocabulary(SOUNDS, None, (*(detector.labels if detector else ()), *asked))
    network = ZeroShot(
        visual_encoder=VisualEncoder("test_resnet", 1000),
        audio_encoder=Ear(),
        vocabulary=vocabulary,
        detector=detector,
        eye=eye,
        prior=LogitStatistics(torch.zeros(len(SOUNDS)), torch.ones(len(SOUNDS))) if prior else None,
        prior_weight=0.0,
    ).eval()
    config = ZeroShotConfig(image_size=SIDE, visibility_threshold=0.0)
    return Model("toy", network, config, SOUNDS, vocabulary.labels)


def snippet(**levels):
    """A second of sound, float32 (SAMPLES,): the logit of each named sound is 20 times its level."""
    parts = [torch.full((SAMPLES // len(SOUNDS),), float(levels.get(sound, 0.0))) for sound in SOUNDS]
    return torch.cat(parts)
