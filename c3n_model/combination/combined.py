"""Combine zero_shot, which knows many kinds of things, with a trained C3N, which tells sources apart that zero_shot does not publish.

Both infer their consensus of a second. zero_shot paints wherever its own consensus passes its gate; where it does not, the
trained network paints if its second passes the gate that was fitted to it, under its own label. Where neither passes, the
mask is empty and the reason is zero_shot's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from c3n_model.model import Model
from c3n_model.network.consensus import Consensus
from c3n_model.network.decoding import Decoding
from c3n_model.network.encoding import Encoding
from c3n_model.network.fusion import upsample
from c3n_model.zero_shot.heard import ZeroShotEncoding
from c3n_model.zero_shot.hearing import HearingMemory


@dataclass(frozen=True)
class CombinedEncoding:
    """N seconds as each network encodes them."""

    zero_shot: ZeroShotEncoding
    trained: Encoding


class Combined(nn.Module):
    """`encode`, `decode` and `decode_newest` of C3N over two models.

    The visual labels are zero_shot's, then the trained model's. Presence and visibility of a second that the trained network
    paints are mapped to zero_shot's scale, so that one pair of thresholds serves both.

    Raises:
        ValueError: models that do not hear the same classes at the same sample rate.
    """

    def __init__(self, zero_shot: Model, trained: Model):
        super().__init__()
        if (zero_shot.audio_labels, zero_shot.sample_rate) != (trained.audio_labels, trained.sample_rate):
            raise ValueError(
                f"{trained.name} hears {len(trained.audio_labels)} classes at {trained.sample_rate} Hz, {zero_shot.name} "
                f"{len(zero_shot.audio_labels)} at {zero_shot.sample_rate} Hz; expected the same audio classes and rate"
            )
        self.zero_shot, self.trained = zero_shot.network, trained.network
        self.audio_encoder = self.zero_shot.audio_encoder
        self._gate, self._trained = zero_shot.config, trained.config
        self._first_label = len(zero_shot.visual_labels)

    @property
    def parts(self) -> tuple[nn.Module, nn.Module]:
        """The two networks."""
        return self.zero_shot, self.trained

    def new_memory(self) -> HearingMemory | None:
        """Return what a session needs to remember of hearing, see `ZeroShot.new_memory`."""
        return self.zero_shot.new_memory()

    def encode(self, frames: Tensor, snippets: Tensor) -> CombinedEncoding:
        """Encode N frames (N, 3, H, W) in [0, 1] and snippets (N, samples), each alone."""
        side = self._trained.image_size
        smaller = F.interpolate(frames, size=(side, side), mode="bilinear", antialias=True)
        return CombinedEncoding(self.zero_shot.encode(frames, snippets), self.trained.encode(smaller, snippets))

    def summarise(self, encoding: CombinedEncoding) -> tuple[Any, Any]:
        """Return all that later seconds need of N seconds, for each network."""
        return self.zero_shot.summarise(encoding.zero_shot), self.trained.summarise(encoding.trained)

    def decode(self, encoding: CombinedEncoding, selected: Tensor, memory: HearingMemory | None = None) -> Decoding:
        """Decode the frames marked in `selected` bool (B, T); `memory` is that of a session."""
        memory = self._memory_of_first(memory)
        first = self.zero_shot.decode(encoding.zero_shot, selected, memory)
        return self._decide(
            first, memory, lambda: self.trained.decode(*recent(encoding.trained, selected, self._trained.history))
        )

    def decode_newest(
        self, encoding: CombinedEncoding, summaries: Sequence[tuple[Any, Any]], memory: HearingMemory | None = None
    ) -> Decoding:
        """Decode the newest frame of a stream, as `decode` does the last one of a clip; arguments as of `C3N.decode_newest`."""
        memory = self._memory_of_first(memory)
        heard, fused = zip(*summaries, strict=True)
        newest = [heard] if memory is None else [heard, memory]
        first = self.zero_shot.decode_newest(encoding.zero_shot, *newest)
        kept = list(fused[-self._trained.history :])
        return self._decide(first, memory, lambda: self.trained.decode_newest(encoding.trained, kept))

    def _memory_of_first(self, memory: HearingMemory | None) -> HearingMemory | None:
        """Return the memory as zero_shot may see it: what the trained network showed is not its own."""
        if memory is None:
            return None
        return replace(memory, shown=tuple(shown for shown in memory.shown if shown < self._first_label))

    def _decide(self, first: Decoding, memory: HearingMemory | None, decode: Callable[[], Decoding]) -> Decoding:
        """Combine zero_shot's decoding with that of the trained network, which is computed only if it is needed."""
        keep = torch.tensor([memory.keep(int(k)) if memory else 1.0 for k in first.consensus.visual_class])
        published = passes(first, self._gate.presence_threshold, self._gate.visibility_threshold, keep)
        if bool(published.all()):
            return first
        second = decode()
        able = passes(second, self._trained.presence_threshold, self._trained.visibility_threshold)
        shows = (second.logits > 0).flatten(1).any(dim=1)
        return self._joined(first, second, ~published & able & shows)

    def _joined(self, first: Decoding, second: Decoding, takes: Tensor) -> Decoding:
        """Take the frames marked in `takes` bool (M,) from the trained network, the others from zero_shot."""
        if not bool(takes.any()):
            return first
        gate, own = self._gate, self._trained
        logits = upsample(second.logits[:, None], tuple(first.logits.shape[1:]))[:, 0]
        presence = torch.where(
            takes, scaled(second.presence, own.presence_threshold, gate.presence_threshold), first.presence
        )
        seen = second.consensus.visual_score.clamp(min=gate.visibility_threshold)
        theirs = replace(
            second.consensus, visual_class=second.consensus.visual_class + self._first_label, visual_score=seen
        )
        chosen = Consensus(
            *(torch.where(takes, getattr(theirs, name), getattr(first.consensus, name)) for name in vars(theirs))
        )
        return replace(
            first,
            logits=torch.where(takes[:, None, None], logits, first.logits),
            audio_logits=torch.where(takes[:, None], second.audio_logits, first.audio_logits),
            visual_logits=torch.cat([first.visual_logits, second.visual_logits], dim=1),
            consensus=chosen,
            presence=presence,
            audible=None if first.audible is None else torch.where(takes, presence, first.audible),
            instances=None
            if first.instances is None
            else tuple(None if taken else part for taken, part in zip(takes.tolist(), first.instances, strict=True)),
        )


def passes(decoding: Decoding, presence: float, visibility: float, keep: Tensor | float = 1.0) -> Tensor:
    """Check which frames pass a gate, bool (M,); thresholds are multiplied by `keep`."""
    keep = torch.as_tensor(keep, device=decoding.presence.device)
    return (decoding.presence >= presence * keep) & (decoding.consensus.visual_score >= visibility * keep)


def scaled(score: Tensor, threshold: float, target: float) -> Tensor:
    """Map scores in [0, 1] piecewise linearly so that `threshold` becomes `target`."""
    below = score / max(threshold, 1e-6) * target
    above = target + (score - threshold) / max(1 - threshold, 1e-6) * (1 - target)
    return torch.where(score < threshold, below, above).clamp(0, 1)


def recent(encoding: Encoding, wanted: Tensor, seconds: int) -> tuple[Encoding, Tensor]:
    """Drop the seconds before the last `seconds` of each clip (what the network was trained on), unless one of them is wanted."""
    clips, length = wanted.shape
    if length <= seconds or bool(wanted[:, :-seconds].any()):
        return encoding, wanted
    kept = torch.arange(length, device=wanted.device) >= length - seconds
    return encoding.select(kept.repeat(clips)), wanted[:, kept]
