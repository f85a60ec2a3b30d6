"""A toy zero-shot network: an ear of three sounds, an eye of two animals and a segmenter of people."""

from __future__ import annotations

import torch
from torch import nn

from c3n_model.network.visual_encoder import VisualEncoder
from c3n_model.zero_shot.vocabulary import Vocabulary
from c3n_model.zero_shot.zero_shot import ZeroShot

SECOND_NS = 1_000_000_000
SAMPLES = 100
SOUNDS = ("bark", "speech", "animal")
BOXED = ("dog", "person")  # the classes of detectors


class Ear(nn.Module):
    """Logits of three sounds: the mean, the deviation and the peak of any length of sound."""

    sample_rate = SAMPLES

    def forward(self, snippets):
        logits = [snippets.mean(dim=1), snippets.std(dim=1), snippets.amax(dim=1)]
        return None, 20 * torch.stack(logits, dim=1)


class LeftHalf:
    """A segmenter that finds a person in the left half of every picture, as sure as the picture is bright there."""

    labels = ("background", "person")

    def __call__(self, frames):
        masks = torch.zeros(len(frames), 2, 8, 8)
        masks[:, 1, :, :4] = frames[..., :16].mean(dim=(1, 2, 3))[:, None, None]
        return masks


def make_network(segmenter=None, **settings) -> ZeroShot:
    """Dog and cat by a classifier of four classes, a person by the segmenter."""
    torch.manual_seed(0)
    labels = ("dog", "cat", "person") if segmenter else ("dog", "cat")
    similarity = torch.tensor([[1.0, 0, 0], [0, 0, 1.0], [0.5, 0.5, 0]])[:, : len(labels)].contiguous()
    vocabulary = Vocabulary(
        labels,
        members=torch.tensor([[True, True, False, False], [False, False, True, False], [False] * 4])[: len(labels)],
        segments=torch.tensor([[False, label == "person"] for label in labels]),
        boxes=torch.tensor([[label == name for name in BOXED] for label in labels]),
        similarity=similarity,
        discount=torch.tensor([0.0, 0, 2]),
    )
    encoder = VisualEncoder("test_resnet", 4)
    return ZeroShot(
        visual_encoder=encoder, audio_encoder=Ear(), vocabulary=vocabulary, segmenter=segmenter, **settings
    ).eval()
