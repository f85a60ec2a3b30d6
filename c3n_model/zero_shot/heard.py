"""What the zero-shot network keeps of the seconds of a clip or a stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Heard:
    """The sound of N seconds: snippets (N, samples) and audio logits (N, K_a) of each alone."""

    snippets: Tensor
    audio_logits: Tensor

    @staticmethod
    def join(seconds: Sequence[Heard]) -> Heard:
        """Concatenate seconds, oldest first, into one."""
        return Heard(*(torch.cat([getattr(one, part) for one in seconds]) for part in ("snippets", "audio_logits")))


@dataclass(frozen=True)
class ZeroShotEncoding:
    """N independent seconds: frames (N, 3, H, W) and their sound."""

    frames: Tensor
    heard: Heard

    @property
    def audio_logits(self) -> Tensor:
        """Audio logits (N, K_a)."""
        return self.heard.audio_logits
