"""The result of a network: masks and the evidence for them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from c3n_model.network.consensus import Consensus
from c3n_model.network.instances import Instances
from c3n_model.network.several import FurtherPairs


@dataclass(frozen=True)
class Decoding:
    """M decoded frames: the masks and the evidence for them.

    logits: mask logits (M, H, W); audio_logits: (M, K_a); visual_logits: (M, K_v); consensus: fields (M,); presence:
    confidence (M,) in [0, 1] that an object is audible. If presence means heard *and* seen, audible (M,) in [0, 1] is the presence
    that the sound would have with its source in full view, and tagger_logits (M, K_a) are the audio logits before anything was
    subtracted from them; None otherwise. instances: those of each mask, None for a mask without instances; None for all masks
    if no mask has any. further: the pairs after the best one, whose objects are in the mask, too; None if only one was inferred.
    others: the same frames by the next best pairs, best first, each with a mask of its own; a frame with fewer sources has presence
    0 in them.
    """

    logits: Tensor
    audio_logits: Tensor
    visual_logits: Tensor
    consensus: Consensus
    presence: Tensor
    audible: Tensor | None = None
    tagger_logits: Tensor | None = None
    instances: tuple[Instances | None, ...] | None = None
    further: FurtherPairs | None = None
    others: tuple[Decoding, ...] = ()
