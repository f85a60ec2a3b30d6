"""Classes of a consensus in words."""

from __future__ import annotations

from typing import Any

from c3n_model.model import Model
from c3n_model.network.answer import Answer
from c3n_model.network.consensus import Consensus
from c3n_model.types import UnifiedLabel

_SCORES = ("audio_score", "visual_score", "similarity", "consensus")


def unified_label(
    found: Consensus | Answer, model: Model, index: int | tuple[int, int] | tuple[()] = ()
) -> UnifiedLabel:
    """Return the labels and scores of an answer, of frame `index` of a consensus (N,), or of (frame, rank) of a consensus (N, k)."""

    def value(name: str) -> Any:
        number = getattr(found, name)
        return number if index == () else number[index]

    audio, visual = model.audio_labels[int(value("audio_class"))], model.visual_labels[int(value("visual_class"))]
    return UnifiedLabel(audio, visual, **{name: float(value(name)) for name in _SCORES})
