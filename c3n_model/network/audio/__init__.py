"""Audio encoders, one file each. An encoder maps a waveform to (embedding, class logits), says `sample_rate`,
`embedding_channels` (d) and `num_classes` (K_a), and has a `front_end` and a `head()`, the classifier that stays frozen."""

from __future__ import annotations

from torch import nn

from c3n_model.network.audio.beats import BEATs
from c3n_model.network.audio.efficientat import EfficientAT
from c3n_model.network.audio.panns import PANNS, Panns
from c3n_model.network.audio.vggish import VGGish

EFFICIENTAT_WIDTHS = {"mn04": 0.4, "mn10": 1.0}
AUDIO_ENCODERS = (*EFFICIENTAT_WIDTHS, "vggish", *PANNS, "beats")


def build_audio_encoder(name: str, num_classes: int) -> nn.Module:
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
