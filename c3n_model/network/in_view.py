"""Whether what is heard is in view: a logistic regression on what a trained C3N says of a second.

The network's own presence is the confidence of the best audio class: it says that something is audible, wherever it is. Its mask
knows more. It was trained to stay empty where the source is out of view, and where it does not, it is fainter, smaller and of an object that
the classifier hardly sees. The weights are fitted to validation clips by `training.in_view_fit`, and are part of the checkpoint.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from c3n_model.network.consensus import Consensus

# presence; c^V of the named class; the mask's highest logits; how sure it is inside; its area
EVIDENCE = ("heard", "seen", "peak", "inside", "area")
HIGHEST = 0.01  # fraction of the pixels of which the mean logit is the peak
PEAK_LIMIT = 6.0  # logits beyond it say no more
SMALLEST = 1e-4  # of probabilities and areas, whose logarithms are taken


def gather_evidence(logits: Tensor, presence: Tensor, consensus: Consensus) -> Tensor:
    """Compute EVIDENCE, (M, 5): mask logits (M, H, W), presence (M,) in [0, 1], and the consensus of M frames."""
    pixels = logits.float().flatten(1)
    highest = pixels.topk(max(1, round(HIGHEST * pixels.shape[1])), dim=1).values.mean(dim=1)
    mask = (pixels > 0).float()
    inside = (pixels.sigmoid() * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)
    columns = (
        _logit(presence.float()),
        (consensus.visual_score.float() + SMALLEST).log(),
        highest.clamp(-PEAK_LIMIT, PEAK_LIMIT),
        _logit(inside.clamp(min=0.5)),  # without a mask as for the faintest one
        (mask.mean(dim=1) + SMALLEST).log(),
    )
    return torch.stack(columns, dim=1)


class InView(nn.Module):
    """The regression: `weight` (5,), `bias` (), and `plain_view` (5,), the typical evidence of a second with its source in view."""

    weight: Tensor
    bias: Tensor
    plain_view: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(len(EVIDENCE)))
        self.register_buffer("bias", torch.zeros(()))
        self.register_buffer("plain_view", torch.zeros(len(EVIDENCE)))

    def forward(self, logits: Tensor, presence: Tensor, consensus: Consensus) -> tuple[Tensor, Tensor]:
        """Return the probabilities (M,) that what is heard is in view, and those that it would have in plain view.

        Arguments as of `gather_evidence`."""
        evidence = gather_evidence(logits, presence, consensus)
        plain = torch.cat([evidence[:, :1], self.plain_view[1:].expand(len(evidence), -1)], dim=1)
        return self.judge(evidence), self.judge(plain)

    def judge(self, evidence: Tensor) -> Tensor:
        """Return the probabilities (M,) of evidence (M, 5)."""
        return (evidence @ self.weight + self.bias).sigmoid()


def _logit(probability: Tensor) -> Tensor:
    return torch.logit(probability, eps=SMALLEST)
