"""Several sounding objects in one frame: the pairs of classes after the best one that explain another sound by another object.

The paper infers one label per frame. Here C3IM is asked again, without what is already explained; CCAM's backward pass then starts
from the sum of the classes' logits, so that it costs no more than for one.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from c3n_model.network.consensus import Consensus, infer_consensus

AUDIBLE = (
    0.5  # minimum probability of the sound of a further pair: the audio classifier decides for each class by itself
)
SEEN = 0.01  # minimum c^V (Eq. 2) of its object; the demo model keeps 97 % of visible sources with it, and 1 % of the others


@dataclass(frozen=True)
class FurtherPairs:
    """Of N frames: `consensus` with fields (N, k), the pairs after the best one; `present` bool (N, k), whether a pair is heard and
    seen; `maps` (N, 1 + k, h, w), how much each place looks like the object of the best pair and of these."""

    consensus: Consensus
    present: Tensor
    maps: Tensor

    def select(self, index: Any) -> FurtherPairs:
        """Index the frames with any tensor index."""
        return FurtherPairs(self.consensus.select(index), self.present[index], self.maps[index])

    @staticmethod
    def join(parts: list[FurtherPairs]) -> FurtherPairs:
        """Concatenate the frames of several."""
        names = [field.name for field in fields(Consensus)]
        consensus = Consensus(*(torch.cat([getattr(part.consensus, name) for part in parts]) for name in names))
        return FurtherPairs(
            consensus, torch.cat([part.present for part in parts]), torch.cat([part.maps for part in parts])
        )


def further_consensus(
    best: Consensus,
    audio_logits: Tensor,
    visual_logits: Tensor,
    similarity: Tensor,
    count: int,
    *,
    alpha: float,
    beta: float,
) -> Consensus:
    """Infer `count` more pairs per frame (fields (N, count)), none of which explains the same sound or the same object.

    After a pair (j, k), pairs with the sound j or the object k are left out, and so are pairs (a, v) whose sound a is as similar to k
    as to v. What does not exist has consensus 0. Arguments as of `consensus.top_pairs`; `best`: its first pair, fields (N,).
    """
    rows = torch.arange(len(audio_logits), device=audio_logits.device)
    allowed = similarity.clamp(min=0).log().repeat(len(audio_logits), 1, 1)  # N K_a K_v
    found = [best]
    for _ in range(count):
        newest = found[-1]
        explained = similarity[:, newest.visual_class].T  # N K_a
        allowed = allowed.masked_fill(explained[:, :, None] >= similarity, -torch.inf)
        allowed[rows, newest.audio_class] = -torch.inf
        allowed[rows, :, newest.visual_class] = -torch.inf
        pair = infer_consensus(audio_logits, visual_logits, similarity, alpha=alpha, beta=beta, log_similarity=allowed)
        found.append(pair)
    stacked = (torch.stack([getattr(pair, field.name) for pair in found[1:]], dim=1) for field in fields(Consensus))
    return Consensus(*stacked)


def infer_further(
    network: Any, audio_logits: Tensor, visual_logits: Tensor, best: Consensus, features: Tensor
) -> FurtherPairs | None:
    """Infer the pairs after the best one (fields (N,)) of N frames by a C3N, up to its `max_sources`; None if that is 1 or its
    consensus is not C3IM's. features: V_4 (N, C, h, w); logits (N, K_a) and (N, K_v)."""
    if network.max_sources == 1 or network.consensus_mode != "audio_visual":
        return None
    scores, similarity = network.consensus_inputs(audio_logits)
    further = further_consensus(
        best, scores, visual_logits, similarity, network.max_sources - 1, alpha=network.alpha, beta=network.beta
    )
    classes = torch.cat([best.visual_class[:, None], further.visual_class], dim=1)
    maps = class_maps(network.visual_encoder.head(), features, classes)
    return FurtherPairs(further, is_present(further, audio_logits), maps)


def named_classes(best: Consensus, further: FurtherPairs | None) -> Tensor:
    """Return the visual classes int64 (N, 1 + k) of the best pair (N,) and of those that are present, -1 for the others."""
    if further is None:
        return best.visual_class[:, None]
    others = further.consensus.visual_class.masked_fill(~further.present, -1)
    return torch.cat([best.visual_class[:, None], others], dim=1)


def is_present(further: Consensus, audio_logits: Tensor) -> Tensor:
    """Return which pairs are heard and seen, bool (N, k); audio_logits: (N, K_a), a sigmoid each."""
    heard = audio_logits.gather(1, further.audio_class).sigmoid() >= AUDIBLE
    return heard & (further.visual_score >= SEEN) & (further.consensus > 0)


def class_maps(head: torch.nn.Module, features: Tensor, classes: Tensor) -> Tensor:
    """Return the class activation maps (N, k, h, w) of `classes` int64 (N, k) by a linear classifier of pooled features
    (N, C, h, w) (Zhou et al., 2016); all 0 if the classifier does not read them directly."""
    weight = getattr(head, "weight", None)
    if weight is None or weight.dim() != 2 or weight.shape[1] != features.shape[1]:
        return features.new_zeros(*classes.shape, *features.shape[2:])
    return torch.einsum("nkc,nchw->nkhw", weight.detach()[classes], features.detach())
