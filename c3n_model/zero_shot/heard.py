"""What the zero-shot network keeps of the seconds of a clip or a stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


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


def logits_over_seconds(
    heard: Heard, selected: Tensor, audio_encoder: nn.Module, newest_weight: float
) -> tuple[Tensor, Tensor]:
    """Return the audio logits (M, K_a) of the seconds marked in `selected` bool (B, T) twice: the weighted mean of those of the
    second alone and of all seconds up to it, and those of the second alone.

    A single second is uncertain (a rooster's median confidence is 0.25, against 0.85 over five seconds), five react
    late. Missing seconds are skipped: the sound before and after them is concatenated.
    """
    snippets = heard.snippets.unflatten(0, tuple(selected.shape))
    alone = heard.audio_logits.unflatten(0, tuple(selected.shape))
    combined = []
    for clip, second in selected.nonzero().tolist():
        newest = alone[clip, second, None]
        trailing = snippets[clip, : second + 1].reshape(1, -1)
        audio = newest_weight * newest + (1 - newest_weight) * audio_encoder(trailing)[1] if second > 0 else newest
        combined.append(audio)
    return torch.cat(combined), alone[selected]
