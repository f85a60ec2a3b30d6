"""How good the mask of a second may be: the IoU that is to be expected of it, 0 where its source is not in view.

The presence of C3N is the confidence of the best audio class: it says that something is audible, wherever it is. Two numbers of a trained
network say more. If the source is out of view, C3IM names something that is in view, of which less is heard; and the mask, which
training keeps empty there, is unsure of itself. A logistic regression joins them. It is fitted to validation clips by
`training.quality_fit`, and is part of the checkpoint.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from c3n_model.network.encoding import Encoding

# Log of c^A (Eq. 1) of the named class; logit of the mean probability inside the mask.
EVIDENCE = ("named", "sure")
SMALLEST = 1e-4  # of probabilities, whose logarithms are taken


def gather_evidence(logits: Tensor, audio_score: Tensor) -> Tensor:
    """Compute EVIDENCE, (M, 2), of mask logits (M, H, W) and c^A of the named class (M,) in [0, 1]."""
    pixels = logits.float().flatten(1)
    mask = (pixels > 0).float()
    inside = (pixels.sigmoid() * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)
    sure = torch.logit(inside.clamp(min=0.5), eps=SMALLEST)  # without a mask as of the faintest one
    return torch.stack([_named(audio_score), sure], dim=1)


class MaskQuality(nn.Module):
    """The regression: `weight` (2,), `bias` (), and `plain_view` (2,), the typical evidence of a second with its source in view."""

    weight: Tensor
    bias: Tensor
    plain_view: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(len(EVIDENCE)))
        self.register_buffer("bias", torch.zeros(()))
        self.register_buffer("plain_view", torch.zeros(len(EVIDENCE)))

    def forward(self, logits: Tensor, audio_score: Tensor, loudest: Tensor) -> tuple[Tensor, Tensor]:
        """Return the expected IoU of each mask (M,), and the one that it would have with what is heard in plain view.

        logits and audio_score as of `gather_evidence`; loudest: c^A of the best class that an object can produce, (M,).
        """
        evidence = gather_evidence(logits, audio_score)
        plain = torch.stack([_named(loudest), self.plain_view[1].expand(len(loudest))], dim=1)
        return self.judge(evidence), self.judge(plain)

    def judge(self, evidence: Tensor) -> Tensor:
        """Return the expected IoU (M,) in [0, 1] for evidence (M, 2)."""
        return (evidence @ self.weight + self.bias).sigmoid()


def presence_of(network: Any, logits: Tensor, encoding: Encoding) -> tuple[Tensor, Tensor | None]:
    """Return `presence` and `audible` of `network.decoding.Decoding` for M frames that a C3N encoded, with mask logits (M, H, W)."""
    silent = ~network.audible_classes
    if network.mask_quality is None:
        return encoding.audio_logits.masked_fill(silent, -torch.inf).amax(dim=1).sigmoid(), None
    confidence = network.consensus_inputs(encoding.audio_logits)[0].softmax(dim=1)
    loudest = confidence.masked_fill(silent, 0.0).amax(dim=1)
    return network.mask_quality(logits, encoding.consensus.audio_score, loudest)


def _named(audio_score: Tensor) -> Tensor:
    return (audio_score.float() + SMALLEST).log()
