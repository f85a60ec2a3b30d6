"""The audio taggers of the zero-shot model: one, or two whose logits are averaged.

A tagger of clips of ten seconds (EfficientAT) and one of parts of 0.96 s (YAMNet) err in different ways: with two
false names in a hundred their mean finds 0.66 of the seconds of 18 kinds of things, either alone 0.55 and 0.61 (docs/zero_shot.md).
"""

from __future__ import annotations

from pathlib import Path

import torch
from scipy.signal import firwin
from torch import Tensor, nn
from torch.nn import functional as F

from c3n_model.network.audio import AudioEncoder, build_audio_encoder
from c3n_model.network.audio.yamnet import YAMNet
from c3n_model.weights import manifest, yamnet
from c3n_model.weights.pretrained import load_audio
from c3n_model.weights.tensors import load_weights
from c3n_model.zero_shot.sources import YAMNET, is_available

SECOND_TAGGERS = ("auto", YAMNET, "none")
FILTER_TAPS = 129
PASS_BAND = 0.95  # of the lower rate's band: YAMNet's highest mel band ends at 0.94 of it


class AveragedTaggers(nn.Module):
    """The logits of a tagger, averaged with those of a second tagger where that one knows the class.

    Args:
        places: int64 (K_2,), the class of the first for each class of the second.
    Raises:
        ValueError: the rate of the first is no multiple of that of the second.
    """

    taps: Tensor
    places: Tensor

    def __init__(self, first: AudioEncoder, second: nn.Module, places: Tensor):
        super().__init__()
        self.first, self.second = first, second
        self.sample_rate, self.num_classes = first.sample_rate, first.num_classes
        self.embedding_channels = first.embedding_channels
        self.step, rest = divmod(first.sample_rate, second.sample_rate)
        if rest:
            raise ValueError(
                f"a second tagger at {second.sample_rate} Hz beside one at {first.sample_rate} Hz: expected a multiple; set "
                "second_audio: none"
            )
        self.register_buffer("places", places)
        taps = firwin(FILTER_TAPS, PASS_BAND / self.step) if self.step > 1 else [1.0]
        self.register_buffer("taps", torch.tensor(taps, dtype=torch.float32)[None, None], persistent=False)

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        """Classify a waveform (N, samples) of whole seconds in [-1, 1]: the first tagger's embedding, and logits (N, K_a)."""
        embedding, logits = self.first(waveform)
        _, other = self.second(self.at_lower_rate(waveform))
        return embedding, logits.index_copy(1, self.places, (logits[:, self.places] + other) / 2)

    def at_lower_rate(self, waveform: Tensor) -> Tensor:
        """Resample a waveform (N, samples) to the second tagger's rate."""
        if self.step == 1:
            return waveform
        return F.conv1d(waveform[:, None], self.taps, stride=self.step, padding=FILTER_TAPS // 2)[:, 0]


def second_tagger_of(choice: str) -> str | None:
    """Return the second tagger for a config's `second_audio`, None for none; "auto" is YAMNet if it is installed.

    Raises ValueError for an unknown one.
    """
    if choice not in SECOND_TAGGERS:
        raise ValueError(f"second_audio is {choice!r}; expected one of {', '.join(SECOND_TAGGERS)}")
    if choice == "auto":
        return YAMNET if is_available(YAMNET) else None
    return None if choice == "none" else choice


def load_taggers(audio: str, second_audio: str, sounds: tuple[str, ...]) -> tuple[nn.Module, list[Path], str]:
    """Build the tagger `audio` for AudioSet's classes `sounds`, averaged with that of a config's `second_audio`.

    Returns it, the files read, and the name of the taggers, as in the file name of their prior: "mn04", "mn04+yamnet".

    Raises:
        FileNotFoundError: a file is missing. ValueError: an unknown tagger, or a damaged file.
    """
    second = second_tagger_of(second_audio)
    first = build_audio_encoder(audio, len(sounds))
    files = load_audio(first, audio)
    if second is None:
        return first.eval(), files, audio
    path, other = manifest.find(second), YAMNet()
    load_weights(other, yamnet.read_tensors(path), path)
    names = {name: place for place, name in enumerate(sounds)}
    try:
        places = torch.tensor([names[label] for label in yamnet.read_labels(path)])
    except KeyError as error:
        raise ValueError(f"{path} has the class {error}, which is not one of AudioSet's; get it again") from error
    return AveragedTaggers(first, other, places).eval(), [*files, path], f"{audio}+{second}"
