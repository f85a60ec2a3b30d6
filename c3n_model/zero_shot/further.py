"""Several sources in one frame: the pairs after the best one that explain another sound by another object elsewhere.

C3IM is asked again without what is explained already. A pair that is found explains its sound, its object, the sounds that its
object makes as well as any other, and its pixels. A further pair must be evident in the sounds that are left, and most of its
object must be elsewhere: the second name of an object already found (a classifier's "wolf" on a detector's dog) is no second source.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from c3n_model.network.consensus import Consensus
from c3n_model.network.decoding import Decoding
from c3n_model.network.instances import Instances
from c3n_model.zero_shot.hearing import PRESENT, Evidence, HearingMemory
from c3n_model.zero_shot.masks import View

SAME_PIXELS = 0.5  # fraction of an object's pixels that belong to those already found above which it is one of them
ATTEMPTS = 4  # pairs to examine for each source, most of which fail for want of evidence
EMPTY = -5.0  # mask logit where a pair has no pixel


@dataclass(frozen=True)
class Source:
    """A pair of classes in one frame: `consensus` with fields (1,), its `presence` (1,), and its mask: `logits` (H, W), `instances`
    None if they are not separated."""

    consensus: Consensus
    presence: Tensor
    logits: Tensor
    instances: Instances | None = None


@dataclass(frozen=True)
class _Frame:
    """One frame in which sources are sought by a `ZeroShot`: what is seen, and logits (1, K_a) and (1, K_v)."""

    network: Any
    view: View
    audio_logits: Tensor
    visual_logits: Tensor
    evidence: Evidence | None
    memory: HearingMemory | None

    def look_around(self, allowed: Tensor) -> _Frame:
        """Look in all parts of the frame for what makes the sounds of the pairs in `allowed` bool (K_a, K_v)."""
        if self.evidence is None:
            return self
        similarity = self.network.similarity.where(allowed, 0.0)
        (view,), visual_logits = self.network.look_around(
            [self.view], self.visual_logits, self.audio_logits, self.evidence, similarity
        )
        return replace(self, view=view, visual_logits=visual_logits)

    def infer(self, allowed: Tensor) -> tuple[Consensus, Tensor]:
        """Return the best of the pairs in `allowed` bool (K_a, K_v), and its presence."""
        consensus = self.network.agree(self.audio_logits, self.visual_logits, self.memory, allowed)
        if self.evidence is None:
            return consensus, consensus.consensus
        return consensus, self.network.presence(consensus, self.evidence, self.memory, allowed.any(dim=1))

    def is_present(self, consensus: Consensus, presence: Tensor) -> bool:
        """Whether a pair is evident enough to be named beside others."""
        keep = 1.0 if self.memory is None else self.memory.keep(int(consensus.visual_class))
        return bool(presence >= PRESENT * keep)

    def draw(self, consensus: Consensus, presence: Tensor) -> Source:
        """Return a pair with its mask."""
        logits, (instances,) = self.network.mask_of([self.view], consensus.visual_class)
        return Source(consensus, presence, logits[0], instances)


def further_sources(
    network: Any, views: list[View], decoding: Decoding, evidence: Evidence | None, memory: HearingMemory | None
) -> tuple[Decoding, ...]:
    """Find up to `max_sources` - 1 sources of a `ZeroShot` after the best pair of each of M frames.

    They are sought only where the best pair is present.

    Args:
        views: M; decoding: by the best pairs; evidence: of the M seconds, None without a prior; memory: of a session.

    Returns:
        Decodings of the M frames by rank; a frame with fewer sources has presence 0 in the last ones.
    """
    if network.max_sources == 1:
        return ()
    rows = []
    for row, view in enumerate(views):
        chosen = evidence and evidence.select([row])
        frame = _Frame(network, view, decoding.audio_logits[[row]], decoding.visual_logits[[row]], chosen, memory)
        best = Source(decoding.consensus.select([row]), decoding.presence[[row]], decoding.logits[row])
        rows.append(_sources_after(best, frame, network.max_sources - 1))
    ranks = range(max(map(len, rows), default=0))
    return tuple(_of_rank([row[rank] if rank < len(row) else None for row in rows], decoding) for rank in ranks)


def _sources_after(best: Source, frame: _Frame, count: int) -> list[Source]:
    if not frame.is_present(best.consensus, best.presence):
        return []  # a second that is rightly empty gets no second chance to be painted
    similarity, found = frame.network.similarity, []
    allowed, taken = (similarity > 0) & ~explained_by(best.consensus, similarity), best.logits > 0
    while len(found) < count:
        source, allowed = _next_source(frame.look_around(allowed), allowed, taken)
        if source is None:
            break
        found.append(source)
        allowed, taken = allowed & ~explained_by(source.consensus, similarity), taken | (source.logits > 0)
    return found


def _next_source(frame: _Frame, allowed: Tensor, taken: Tensor) -> tuple[Source | None, Tensor]:
    """Return the best of the pairs in `allowed` bool (K_a, K_v) that is present and mostly outside the pixels in `taken` bool
    (H, W), None if there is none; and the pairs that are left without the objects that were examined."""
    for _ in range(ATTEMPTS):
        consensus, presence = frame.infer(allowed)
        allowed = allowed.clone()
        allowed[:, consensus.visual_class] = False
        if not frame.is_present(consensus, presence):
            continue
        source = frame.draw(consensus, presence)
        pixels = source.logits > 0
        if pixels.any() and (pixels & taken).sum() <= SAME_PIXELS * pixels.sum():
            return source, allowed
    return None, allowed


def explained_by(found: Consensus, similarity: Tensor) -> Tensor:
    """Return the pairs, bool (K_a, K_v), that a found pair (fields (1,)) explains: those of its sound, those of its object, and
    those whose sound its object makes at least as well as theirs does."""
    explained = similarity[:, found.visual_class] >= similarity
    explained[found.audio_class] = True
    explained[:, found.visual_class] = True
    return explained


def _of_rank(sources: list[Source | None], decoding: Decoding) -> Decoding:
    some = next(source for source in sources if source is not None)
    nothing = replace(
        some, presence=torch.zeros_like(some.presence), logits=torch.full_like(some.logits, EMPTY), instances=None
    )
    filled = [nothing if source is None else source for source in sources]
    presence = torch.cat([source.presence for source in filled])
    names = [field.name for field in fields(Consensus)]
    return Decoding(
        logits=torch.stack([source.logits for source in filled]),
        audio_logits=decoding.audio_logits,
        visual_logits=decoding.visual_logits,
        consensus=Consensus(*(torch.cat([getattr(source.consensus, name) for source in filled]) for name in names)),
        presence=presence,
        audible=presence,
        instances=tuple(source.instances for source in filled),
    )
