"""Explain a mask: the audio and visual classes of a second, their consensus, and the attention of CCAM.

These are the values of the paper's Figures 6 and 7; `pictures/explanation.py` draws them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from c3n_model.network.c3n import C3N
from c3n_model.network.consensus import top_pairs
from c3n_model.network.decoding import Decoding
from c3n_model.streaming.labelling import unified_label
from c3n_model.streaming.segment import Item, cut_windows, first_second_ns
from c3n_model.streaming.session import Session
from c3n_model.types import NANOSECONDS_PER_SECOND, Frame, Segmentation, UnifiedLabel, Window

SHOWN = 5  # number of classes per modality, as in Figure 6, and of pairs


@dataclass(frozen=True)
class Ranking:
    """The classes of one modality with the highest confidence, best first; the class of the unified label is added at the end
    if it is not among them. `confidence` float32 (n,) is c of Eqs. 1 and 2; `weighted` is `confidence` to the power of
    `exponent`, alpha or beta (Eq. 6); `chosen` is the index of the class of the unified label."""

    classes: tuple[int, ...]
    labels: tuple[str, ...]
    confidence: np.ndarray
    weighted: np.ndarray
    exponent: float
    chosen: int


@dataclass(frozen=True)
class Evidence:
    """The audio and visual classes of a second, and how they agreed.

    `similarity` and `consensus` float32 (n_a, n_v) are M_sim (Eq. 5) and M_cof (Eq. 6) of the classes in `audio` and
    `visual`, `pairs` the best of all pairs.

    Values that a network does not have are None or empty: `visual` without a visual classifier, `similarity` without label
    similarities, `consensus` and `pairs` if another rule decides (CC-V of Table II).
    """

    audio: Ranking
    visual: Ranking | None
    similarity: np.ndarray | None
    consensus: np.ndarray | None
    pairs: tuple[UnifiedLabel, ...]


@dataclass(frozen=True)
class Explanation(Evidence):
    """A second and how it came to its mask. `attention` has for each stage of CCAM Eq. 11 without and with the unified label,
    float32 (H_i, W_i) in (0, 1); it is empty for a network without CCAM."""

    window: Window[Frame]
    segmentation: Segmentation
    attention: tuple[tuple[np.ndarray, np.ndarray], ...]


@torch.no_grad()
def explain(window: Window[Frame], session: Session) -> Explanation:
    """Segment `window` in `session` and return the segmentation with its intermediate values."""
    segmentation, network = session.step(window), session.network
    maps = network.attention_maps(*session.inputs(window)) if isinstance(network, C3N) else []
    attention = tuple((plain[0].numpy(force=True), guided[0].numpy(force=True)) for plain, guided in maps)
    return Explanation(**vars(newest_evidence(session)), window=window, segmentation=segmentation, attention=attention)


def newest_evidence(session: Session) -> Evidence:
    """Return the evidence of the last window of `session`. Raises RuntimeError before the first one."""
    decoding, model, network = session.newest, session.model, session.network
    chosen = decoding.consensus
    scores, table = decoding.audio_logits, getattr(network, "similarity", None)
    if isinstance(network, C3N):
        scores, table = network.consensus_inputs(scores)
    audio = _rank(scores[0], int(chosen.audio_class), model.audio_labels, model.config.alpha)
    visual, similarity, consensus = None, None, None
    pairs: tuple[UnifiedLabel, ...] = ()
    if decoding.visual_logits is not None:
        visual = _rank(decoding.visual_logits[0], int(chosen.visual_class), model.visual_labels, model.config.beta)
    if visual is not None and table is not None:
        similarity = table.numpy(force=True)[np.ix_(audio.classes, visual.classes)]
        pairs = _decisive_pairs(scores, decoding, table, session)
        if pairs:
            consensus = audio.weighted[:, None] * similarity.clip(min=0) * visual.weighted
    return Evidence(audio, visual, similarity, consensus, pairs)


def explain_seconds(
    items: Iterable[Item], session: Session, *, only: int | None = None
) -> Iterator[tuple[int, Explanation]]:
    """Yield the number and explanation of each whole second of `items`, or of the second `only` alone.

    Seconds are counted from the start of a file, or from the first window of a bag. Seconds without an image or sound are
    counted but not explained.

    Raises:
        ValueError: no whole second, as in `segment.cut_windows`; or the second `only` does not exist.
    """
    origin_ns, number = None, -1
    for window in cut_windows(items, session.model.sample_rate):
        origin_ns = first_second_ns(window.start_ns) if origin_ns is None else origin_ns
        number = (window.start_ns - origin_ns) // NANOSECONDS_PER_SECOND
        if only is None or number == only:
            yield number, explain(window, session)
        elif only - session.model.config.history < number < only:
            session.step(window)  # fills the history of the chosen second
        if only is not None and number >= only:
            break
    if only is not None and number < only:
        raise ValueError(f"second {only} does not exist; the recording has seconds 0 to {number}")
    if only is not None and number > only:
        raise ValueError(f"second {only} has no image or less than half of its sound; the next one is {number}")


def describe_explanation(explanation: Explanation) -> dict:
    """Convert an explanation to JSON values; maps are reduced to their size and range."""
    segmentation = explanation.segmentation
    return {
        "window_start_ns": segmentation.window_start_ns,
        "stamp_ns": segmentation.stamp_ns,
        "label": asdict(segmentation.label),
        "presence": asdict(segmentation.presence) | {"reason": segmentation.presence.reason},
        "mask_fraction": float(segmentation.mask.mean()),
        "audio": _describe_ranking(explanation.audio),
        "visual": _describe_ranking(explanation.visual) if explanation.visual else None,
        "similarity": _numbers(explanation.similarity),
        "consensus": _numbers(explanation.consensus),
        "pairs": [asdict(pair) for pair in explanation.pairs],
        "attention": [
            {"stage": stage, "size": list(plain.shape), "without_label": _range(plain), "with_label": _range(guided)}
            for stage, (plain, guided) in enumerate(explanation.attention, start=1)
        ],
    }


def _rank(logits: Tensor, chosen: int, labels: tuple[str, ...], exponent: float) -> Ranking:
    confidence, order = logits.softmax(dim=0).sort(descending=True, stable=True)
    classes = order[:SHOWN].tolist()
    if chosen not in classes:
        classes.append(chosen)
    places = [order.tolist().index(index) for index in classes]
    shown = confidence[places].numpy(force=True)
    names = tuple(labels[index] for index in classes)
    return Ranking(tuple(classes), names, shown, shown**exponent, exponent, classes.index(chosen))


def _decisive_pairs(scores: Tensor, decoding: Decoding, table: Tensor, session: Session) -> tuple[UnifiedLabel, ...]:
    """Return the best pairs by Eq. 6, best first; none if the network chose another pair than that of Eq. 7."""
    config = session.model.config
    logits = scores, decoding.visual_logits
    found = top_pairs(*logits, table, min(SHOWN, table.numel()), alpha=config.alpha, beta=config.beta)
    chosen = decoding.consensus
    best = (int(found.audio_class[0, 0]), int(found.visual_class[0, 0]))
    if best != (int(chosen.audio_class), int(chosen.visual_class)):
        return ()
    return tuple(
        unified_label(found, session.model, (0, rank))
        for rank in range(found.consensus.shape[1])
        if found.consensus[0, rank] > 0
    )


def _describe_ranking(ranking: Ranking) -> dict:
    return {
        "labels": list(ranking.labels),
        "confidence": ranking.confidence.tolist(),
        "weighted": ranking.weighted.tolist(),
        "exponent": ranking.exponent,
        "chosen": ranking.chosen,
    }


def _numbers(matrix: np.ndarray | None) -> list | None:
    return None if matrix is None else matrix.tolist()


def _range(values: np.ndarray) -> dict:
    return {"min": float(values.min()), "mean": float(values.mean()), "max": float(values.max())}
