"""Classes of a consensus in words."""

from __future__ import annotations

from c3n_model.model import Model
from c3n_model.network.answer import Answer
from c3n_model.network.consensus import Consensus
from c3n_model.types import UnifiedLabel


def unified_label(consensus: Consensus, model: Model, index: int | tuple[int, int]) -> UnifiedLabel:
    """Return the labels and scores of frame `index` of a consensus (N,), or of (frame, rank) of a consensus (N, k)."""
    return UnifiedLabel(
        audio=model.audio_labels[int(consensus.audio_class[index])],
        visual=model.visual_labels[int(consensus.visual_class[index])],
        audio_score=float(consensus.audio_score[index]),
        visual_score=float(consensus.visual_score[index]),
        similarity=float(consensus.similarity[index]),
        consensus=float(consensus.consensus[index]),
    )


def label_of(answer: Answer, model: Model) -> UnifiedLabel:
    """The label of an answer, in words."""
    return UnifiedLabel(
        audio=model.audio_labels[answer.audio_class],
        visual=model.visual_labels[answer.visual_class],
        audio_score=answer.audio_score,
        visual_score=answer.visual_score,
        similarity=answer.similarity,
        consensus=answer.consensus,
    )
