"""What the zero-shot network keeps of the seconds of a clip or a stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

# A tagger was trained on well recorded sound: of sounds 30 or 40 dB quieter it names fewer.
QUIET_DBFS = -35.0  # RMS level up to which a second is amplified
MOST_GAIN_DB = 20.0  # beyond it there is little but noise


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


def gains(snippets: Tensor) -> Tensor:
    """Return the factors (N,) by which seconds (N, samples) are to be amplified; louder ones stay as they are."""
    level_dbfs = 10 * snippets.square().mean(dim=1).clamp(min=1e-12).log10()
    return 10 ** ((QUIET_DBFS - level_dbfs).clamp(0, MOST_GAIN_DB) / 20)


def tag_alone(snippets: Tensor, audio_encoder: nn.Module) -> Tensor:
    """Return the audio logits (N, K_a) of seconds (N, samples), each by itself."""
    return audio_encoder(snippets * gains(snippets)[:, None])[1]


def tag_together(snippets: Tensor, audio_encoder: nn.Module) -> Tensor:
    """Return the audio logits (1, K_a) of consecutive seconds (N, samples), amplified as the loudest of them needs."""
    return audio_encoder(snippets.reshape(1, -1) * gains(snippets).min())[1]


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
        if second > 0:
            together = tag_together(snippets[clip, : second + 1], audio_encoder)
            combined.append(newest_weight * newest + (1 - newest_weight) * together)
        else:
            combined.append(newest)
    return torch.cat(combined), alone[selected]
