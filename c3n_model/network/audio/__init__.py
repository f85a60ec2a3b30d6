"""Audio encoders, one file each. An encoder maps a waveform to (embedding, class logits), says `sample_rate`,
`embedding_channels` (d) and `num_classes` (K_a), and has a `front_end` and a `head()`, the classifier that stays frozen."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor, nn

from c3n_model.network.audio.beats import BEATs
from c3n_model.network.audio.efficientat import EfficientAT
from c3n_model.network.audio.panns import PANNS, Panns
from c3n_model.network.audio.vggish import VGGish

EFFICIENTAT_WIDTHS = {"mn04": 0.4, "mn10": 1.0}
AUDIO_ENCODERS = (*EFFICIENTAT_WIDTHS, "vggish", *PANNS, "beats")


class AudioEncoder(Protocol):
    """What C3N asks of an audio encoder, which is an `nn.Module`, too."""

    sample_rate: int
    embedding_channels: int
    num_classes: int

    def __call__(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        """waveform (N, samples) -> embedding (N, d), class logits (N, K_a)."""
        ...

    def head(self) -> nn.Module:
        """The classifier, which stays frozen while C3N trains."""
        ...


def build_audio_encoder(name: str, num_classes: int) -> AudioEncoder:
    """The audio encoder `name` with random weights. Raises ValueError for an unknown name."""
    if name in EFFICIENTAT_WIDTHS:
        return EfficientAT(num_classes, EFFICIENTAT_WIDTHS[name])
    if name == "vggish":
        return VGGish(num_classes)
    if name in PANNS:
        return Panns(name, num_classes)
    if name == "beats":
        return BEATs(num_classes)
    raise ValueError(f"audio encoder {name!r} is unknown; known: {', '.join(AUDIO_ENCODERS)}")
