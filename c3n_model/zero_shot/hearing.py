"""How evident is each sound? A tagger's logits against its prior and against this robot's background.

A tagger says "Speech" of anything a little; so a class counts by how far it exceeds what the tagger says of unrelated sounds,
in standard deviations: its *evidence*. Where the robot's own background is known, the second is a mixture of it and of
something else. Its share n is how much of the background's pattern is in it,

    n = clip(<z - p, b - p> / <b - p, b - p>, 0, 1) * weight,

with logits z, prior p and background b; n (b - p) is explained by it and taken off, and the deviations are mixed accordingly.
So motors alone are evidence of nothing, and what is heard above them counts although they push it down: the share, and not the
loudness, says how noisy a second is, whatever a microphone's gain.

All constants of hearing are here; thresholds are settings (`ZeroShotConfig`). They were chosen on the tuning half of the
bench (`experiments/zero_shot/halves.py`); docs/zero_shot.md reports the other half.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from c3n_model.network.consensus import Consensus
from c3n_model.zero_shot.background import Background
from c3n_model.zero_shot.logit_statistics import LogitStatistics

NEWEST_WEIGHT = (
    0.6  # of the newest second against the trailing ones; .5 lingers 1.2 s on average, .6 .5 s, .67 paints more
)
KEEP = 0.75  # of all thresholds for the class that is shown already: hysteresis of on and off
KEEP_NAME = 0.85  # of the consensus that another class needs to replace it: hysteresis of the name
NOISE_RELIEF = 0.65  # a second that is all background needs 35 % of consensus and evidence: noise hides a part of both
SPECIFIC_EVIDENCE = 4.5  # deviations from which a sound that only such a thing makes is specific (marimba ~ marimba);
SPECIFIC_RELIEF = 1.4  # its consensus counts that much more: "Music" takes most of the softmax from every instrument


@dataclass
class HearingMemory:
    """What a session remembers of hearing: the background, and the index of the visual class that is shown, if any is."""

    background: Background = field(default_factory=Background)
    shown: int | None = None

    def keep(self, visual_class: int) -> float:
        """Return the factor of the thresholds for a class: KEEP if it is shown, else 1."""
        return KEEP if visual_class == self.shown else 1.0


@dataclass(frozen=True)
class Evidence:
    """Of M seconds: `logits` (M, K_a) less what is subtracted of prior and background, for C3IM; `deviations` and
    `newest` (M, K_a) by which the classes exceed what is expected, over all seconds heard and in the newest alone; `noise`
    (M,) in [0, 1], the background's share."""

    logits: Tensor
    deviations: Tensor
    newest: Tensor
    noise: Tensor


def weigh(
    combined: Tensor,
    newest: Tensor,
    prior: LogitStatistics,
    background: LogitStatistics | None = None,
    *,
    prior_weight: float,
) -> Evidence:
    """Weigh logits (M, K_a) of all seconds heard and of the newest alone against prior and background."""
    noise = combined.new_zeros(len(combined))
    explained, deviation = torch.zeros_like(combined), prior.deviation
    if background is not None:
        pattern = background.mean - prior.mean
        projection = (combined - prior.mean) @ pattern / pattern.square().sum().clamp(min=1e-6)
        noise = projection.clamp(0, 1) * background.weight
        explained = noise[:, None] * pattern
        deviation = prior.deviation + noise[:, None] * (background.deviation - prior.deviation)
    expected = prior.mean + explained
    return Evidence(
        logits=combined - prior_weight * prior.mean - explained,
        deviations=(combined - expected) / deviation,
        newest=(newest - expected) / deviation,
        noise=noise,
    )


def presence_of(
    consensus: Consensus, evidence: Evidence, similarity: Tensor, specific: Tensor, thresholds: Tensor
) -> Tensor:
    """Return how surely the named pair sounds in view, (M,) in [0, 1]: the consensus, and 0 where the pair's own sound is not
    evident, over all seconds and in the newest one.

    Args:
        similarity: (K_a, K_v); specific: bool (K_v,), visual classes whose sounds may be specific: no people, who are in view
        too often for their sight to say much; thresholds: (M,) evidence that is asked for, in deviations.
    """
    rows = torch.arange(len(consensus.consensus), device=similarity.device)
    makes = similarity[:, consensus.visual_class].T > 0  # M K_a
    newest = evidence.newest.masked_fill(~makes, -torch.inf).amax(dim=1)
    evident = torch.minimum(evidence.deviations[rows, consensus.audio_class], newest)
    needed = 1 - NOISE_RELIEF * evidence.noise
    score = consensus.consensus / needed
    exact = specific[consensus.visual_class] & (consensus.similarity >= 1) & (evident >= SPECIFIC_EVIDENCE)
    score = torch.where(exact, score * SPECIFIC_RELIEF, score)
    return torch.where(evident >= thresholds * needed, score, 0.0).clamp(max=1)
