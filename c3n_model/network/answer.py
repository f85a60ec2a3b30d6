"""What the network says of the newest second, on the CPU."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch

from c3n_model.network.consensus import Consensus
from c3n_model.network.decoding import Decoding

_INTEGERS = ("audio_class", "visual_class")


@dataclass(frozen=True)
class Answer:
    """A mask with its label and the evidence for both.

    probability: float32 (S, S) in [0, 1], at the network's size; classes and scores: those of `network.consensus.Consensus`;
    presence and audible: those of `network.decoding.Decoding`.
    """

    probability: np.ndarray
    audio_class: int
    visual_class: int
    audio_score: float
    visual_score: float
    similarity: float
    consensus: float
    presence: float
    audible: float | None = None


def read_answer(decoding: Decoding) -> Answer:
    """Copy the first frame of a decoding to the CPU, in one piece: every copy would wait for the device."""
    names = [field.name for field in fields(Consensus)]
    numbers = [getattr(decoding.consensus, name) for name in names]
    numbers += [decoding.presence, decoding.presence if decoding.audible is None else decoding.audible]
    probability = decoding.logits[0].float().sigmoid()
    # Class numbers are exact in float32 up to 16 million.
    packed = torch.cat([probability.flatten(), *(number[:1].float() for number in numbers)]).numpy(force=True)
    found = dict(zip([*names, "presence", "audible"], packed[-len(numbers) :].tolist(), strict=True))
    found |= {name: int(found[name]) for name in _INTEGERS}
    if decoding.audible is None:
        found["audible"] = None
    return Answer(packed[: -len(numbers)].reshape(probability.shape), **found)
