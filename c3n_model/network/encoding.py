"""The results of the network for each frame, before the frames of a clip are combined."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from c3n_model.network.consensus import Consensus
from c3n_model.network.several import FurtherPairs


@dataclass(frozen=True)
class Encoding:
    """N encoded frames.

    visual: V_i^r [(N, C_vi, H_i, W_i)] x 4; audio: F_a (N, d); audio_logits: (N, K_a); visual_logits: (N, K_v); consensus:
    fields (N,); size: height and width of the frames; further: the pairs after the best one, None if only one is inferred.
    """

    visual: list[Tensor]
    audio: Tensor
    audio_logits: Tensor
    visual_logits: Tensor
    consensus: Consensus
    size: tuple[int, int]
    further: FurtherPairs | None = None

    def select(self, index: Any) -> Encoding:
        """Index the frames with any tensor index."""
        return Encoding(
            visual=[maps[index] for maps in self.visual],
            audio=self.audio[index],
            audio_logits=self.audio_logits[index],
            visual_logits=self.visual_logits[index],
            consensus=self.consensus.select(index),
            size=self.size,
            further=self.further.select(index) if self.further is not None else None,
        )

    @staticmethod
    def join(encodings: list[Encoding]) -> Encoding:
        """Concatenate encodings, oldest first, into one."""
        further = [encoding.further for encoding in encodings if encoding.further is not None]
        return Encoding(
            visual=[torch.cat(maps) for maps in zip(*(encoding.visual for encoding in encodings), strict=True)],
            audio=torch.cat([encoding.audio for encoding in encodings]),
            audio_logits=torch.cat([encoding.audio_logits for encoding in encodings]),
            visual_logits=torch.cat([encoding.visual_logits for encoding in encodings]),
            consensus=Consensus(
                *(torch.cat([getattr(e.consensus, field.name) for e in encodings]) for field in fields(Consensus))
            ),
            size=encodings[-1].size,
            further=FurtherPairs.join(further) if len(further) == len(encodings) else None,
        )
