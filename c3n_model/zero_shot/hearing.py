"""The evidence for each sound: the tagger's logits compared with its prior and with the background of this robot.

A tagger gives some classes, such as "Speech", a high logit for any sound. The *evidence* of a class is therefore by how many
standard deviations its logit exceeds the tagger's logits for unrelated sounds (the prior). If the background of the robot is
known, a second is treated as a mixture of the background and another sound. The background's share n is its projection,

    n = clip(<z - p, b - p> / <b - p, b - p>, 0, 1) * weight,

with logits z, prior p and background b; n (b - p) is subtracted from the logits, and the standard deviations are mixed in the
same proportion. So motors alone are no evidence of any class, and other sounds count although the motors lower their logits.
How noisy a second is follows from the share, not from its loudness, so it does not depend on the microphone's gain.

All constants of the audio evidence are here; thresholds are settings (`ZeroShotConfig`). The constants were chosen on the
tuning half of the bench (`experiments/zero_shot/halves.py`); docs/zero_shot.md reports the other half.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import torch
from torch import Tensor

from c3n_model.network.consensus import Consensus
from c3n_model.zero_shot.background import Background
from c3n_model.zero_shot.logit_statistics import LogitStatistics
from c3n_model.zero_shot.sight import Sight

# Weight of the newest second; the rest is for all seconds together. After a sound ended, masks stay for 1.2 s on average with
# 0.5 and for 0.5 s with 0.6; with 0.67 there are more wrong masks.
NEWEST_WEIGHT = 0.6
PRESENT = 0.38  # minimum presence of a further pair, whatever the threshold of a session: what is named beside others must be sure
KEEP = 0.75  # factor on all thresholds for the class that is already shown: hysteresis of its presence
KEEP_NAME = 0.85  # consensus of the shown class over that of another class that replaces it: hysteresis of the label
# A second of background alone needs so much less consensus, evidence and share of people, others in proportion to their noise: noise
# lowers all three.
CONSENSUS_RELIEF, EVIDENCE_RELIEF, PERSON_RELIEF = 0.65, 0.4, 0.5
# A second with at least this share of the background counts as background alone, and needs so much more evidence instead.
BACKGROUND_ALONE, BACKGROUND_ALONE_FACTOR = 0.9, 1.5
# A sound that only one kind of object makes (marimba ~ marimba) is specific above so many standard deviations, if they reach this
# fraction of those of the most evident of all sounds; then the consensus is multiplied, because the many names of one sound ("Music",
# "Mallet percussion") share the softmax. The fraction keeps noise out, most of which is another sound's.
SPECIFIC_EVIDENCE, SPECIFIC_SHARE, SPECIFIC_RELIEF = 3.5, 0.9, 1.6
SOUGHT_EVIDENCE = 3.0  # standard deviations above which the sources of a sound are looked for in parts of the frame
# A person is published only if a sound of people reaches this fraction of the evidence of the most evident sound: of a helicopter
# a tagger also says "Speech".
PERSON_SHARE = 0.6


@dataclass
class HearingMemory:
    """The state of a session: the background, the indices of the visual classes that are shown, best first, and what the
    open-vocabulary eye saw last. A mask with a presence below `least_presence` is not published, so that it need not be drawn; above 1
    no mask is."""

    background: Background = field(default_factory=Background)
    shown: tuple[int, ...] = ()
    sight: Sight = field(default_factory=Sight)
    least_presence: float = 0.0

    def forget_shown(self) -> None:
        """Forget what belongs to the last pictures: the classes that are shown and what the eye saw."""
        self.shown = ()
        self.sight.forget()

    def keep(self, visual_class: int) -> float:
        """Return the factor on the thresholds of a class: KEEP if it is shown, else 1."""
        return KEEP if visual_class in self.shown else 1.0

    def needs_mask(self, presence: float, visual_class: int | None = None) -> bool:
        """Return whether a mask of this presence may be published, or looked at beside others; of any class for None."""
        least = self.least_presence if self.least_presence > 1 else min(self.least_presence, PRESENT)
        return presence >= least * (self.least_keep if visual_class is None else self.keep(visual_class))

    @property
    def least_keep(self) -> float:
        """The lowest factor on the thresholds of any class."""
        return KEEP if self.shown else 1.0


@dataclass(frozen=True)
class Evidence:
    """The evidence in M seconds.

    `logits` (M, K_a): logits without prior and background, for C3IM; `deviations` and `newest` (M, K_a): the standard
    deviations by which the classes exceed the expected logits, over all seconds and in the newest one alone; `noise` (M,) in
    [0, 1]: the background's share.
    """

    logits: Tensor
    deviations: Tensor
    newest: Tensor
    noise: Tensor

    @property
    def lasting(self) -> Tensor:
        """The deviations (M, K_a) that a class reaches over all seconds and in the newest one."""
        return torch.minimum(self.deviations, self.newest)

    def select(self, index: Any) -> Evidence:
        """Index the seconds with any tensor index."""
        return Evidence(*(getattr(self, field.name)[index] for field in fields(Evidence)))


def weigh(
    combined: Tensor,
    newest: Tensor,
    prior: LogitStatistics,
    background: LogitStatistics | None = None,
    *,
    prior_weight: float,
) -> Evidence:
    """Compare logits (M, K_a), of all seconds (`combined`) and of the newest one alone, with prior and background."""
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
        deviations=(combined - expected) / (prior.scale * deviation),
        newest=(newest - expected) / (prior.scale * deviation),
        noise=noise,
    )


def loudest_sources(evidence: Evidence, audio_logits: Tensor, similarity: Tensor) -> Tensor:
    """Return the highest audio logit (M, K_v) among the evident sounds that each visual label makes, -inf if there are none.

    audio_logits: (M, K_a); similarity: (K_a, K_v). A sound that names only the kind of a label ("Animal") does not count.
    """
    heard = evidence.lasting >= SOUGHT_EVIDENCE
    logits = audio_logits.masked_fill(~heard, -torch.inf)
    return torch.stack([row[:, None].masked_fill(similarity < 1, -torch.inf).amax(dim=0) for row in logits])


def most_presence(
    evidence: Evidence, audio_logits: Tensor, similarity: Tensor, threshold: float, *, alpha: float
) -> Tensor:
    """Return the highest value (M,) that `presence_of` can have, whatever is in view: that of the best evident sound if its object
    is seen with certainty.

    audio_logits: (M, K_a), and alpha, of C3IM; similarity: (K_a, K_v); threshold: the lowest required evidence in standard deviations.
    """
    agreed = audio_logits.softmax(dim=1) ** alpha * similarity.amax(dim=1).clamp(min=0)
    specific = torch.where(evidence.deviations >= SPECIFIC_EVIDENCE, SPECIFIC_RELIEF, 1.0)
    score = agreed * specific / (1 - CONSENSUS_RELIEF * evidence.noise)[:, None]
    evident = evidence.deviations >= threshold * _factor_in(evidence.noise)[:, None]
    return score.masked_fill(~evident, 0.0).amax(dim=1).add(1e-6).clamp(max=1)  # rounding must not lose a mask


def _factor_in(noise: Tensor) -> Tensor:
    """Return the factor on the required evidence in seconds with a share `noise` (M,) of the background."""
    relieved = 1 - EVIDENCE_RELIEF * noise
    return torch.where(noise < BACKGROUND_ALONE, relieved, noise.new_tensor(BACKGROUND_ALONE_FACTOR))


def presence_of(
    consensus: Consensus,
    evidence: Evidence,
    similarity: Tensor,
    specific: Tensor,
    thresholds: Tensor,
    unexplained: Tensor | None = None,
) -> Tensor:
    """Compute the confidence (M,) in [0, 1] that the named pair sounds and is in view.

    It is the consensus, or 0 if there is too little evidence for a sound of the pair over all seconds or in the newest one, or if
    the pair names a person and the sound is explained by something else.

    Args:
        similarity: (K_a, K_v); specific: bool (K_v,), visual classes whose sounds may be specific, so all but people, who are
        often in view while something else sounds; thresholds: (M,) required evidence in standard deviations; unexplained: bool
        (K_a,), the sounds that no other pair explains, None for all.
    """
    if unexplained is not None:
        similarity = similarity.masked_fill(~unexplained[:, None], 0.0)
    rows = torch.arange(len(consensus.consensus), device=similarity.device)
    makes = similarity[:, consensus.visual_class].T > 0  # M K_a
    newest = evidence.newest.masked_fill(~makes, -torch.inf).amax(dim=1)
    evident = torch.minimum(evidence.deviations[rows, consensus.audio_class], newest)
    noise = evidence.noise
    thresholds = thresholds * _factor_in(noise)
    loudest = evidence.lasting.amax(dim=1)
    enough = (SPECIFIC_SHARE * loudest).clamp(min=SPECIFIC_EVIDENCE)
    exact = specific[consensus.visual_class] & (consensus.similarity >= 1) & (evident >= enough)
    score = consensus.consensus / (1 - CONSENSUS_RELIEF * noise)
    score = torch.where(exact, score * SPECIFIC_RELIEF, score)
    own = evidence.deviations.masked_fill(~makes, -torch.inf).amax(dim=1)
    most = evidence.deviations.masked_fill(~(similarity > 0).any(dim=1), -torch.inf).amax(dim=1)
    mostly = specific[consensus.visual_class] | (own >= PERSON_SHARE * (1 - PERSON_RELIEF * noise) * most)
    return torch.where((evident >= thresholds) & mostly, score, 0.0).clamp(max=1)
