"""Why this mask? One second step by step: what is heard, what is seen, how the labels agree, where CCAM looks.

The numbers behind the paper's Figures 6 and 7; `explain_figure` draws them.
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
from c3n_model.streaming.segment import Item, cut_windows, first_second_ns
from c3n_model.streaming.session import Session, unified_label
from c3n_model.types import NANOSECONDS_PER_SECOND, Frame, Segmentation, UnifiedLabel, Window

SHOWN = 5  # classes of a modality, as in Figure 6, and pairs


@dataclass(frozen=True)
class Ranking:
    """The classes of one modality with the highest confidence, best first; last the one of the unified label, where it
    is not among them. `confidence` float32 (n,) is c of Eqs. 1 and 2, `weighted` its power by `exponent`,
    alpha or beta (Eq. 6); `chosen` indexes the class of the unified label."""

    classes: tuple[int, ...]
    labels: tuple[str, ...]
    confidence: np.ndarray
    weighted: np.ndarray
    exponent: float
    chosen: int


@dataclass(frozen=True)
class Evidence:
    """What was heard and seen in a second, and how it agreed.

    `similarity` and `consensus` float32 (n_a, n_v) are M_sim (Eq. 5) and M_cof (Eq. 6) of the classes in `audio` and
    `visual`, `pairs` the best of all pairs.

    What a network has not is None or empty: `visual` without a visual classifier, `similarity` without label
    similarities, `consensus` and `pairs` where another rule decides (CC-V of Table II).
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
    """Step `session` by `window` and tell how its segmentation came about."""
    segmentation, network = session.step(window), session.network
    maps = network.attention_maps(*session.inputs(window)) if isinstance(network, C3N) else []
    attention = tuple((plain[0].numpy(force=True), guided[0].numpy(force=True)) for plain, guided in maps)
    return Explanation(**vars(newest_evidence(session)), window=window, segmentation=segmentation, attention=attention)


def newest_evidence(session: Session) -> Evidence:
    """The evidence of the second that `session` was stepped by last. Raises RuntimeError before the first one."""
    decoding, model, network = session.newest, session.model, session.network
    chosen = decoding.consensus
    audio = _rank(decoding.audio_logits[0], int(chosen.audio_class), model.audio_labels, model.config.alpha)
    visual, similarity, consensus = None, None, None
    pairs: tuple[UnifiedLabel, ...] = ()
    if decoding.visual_logits is not None:
        visual = _rank(decoding.visual_logits[0], int(chosen.visual_class), model.visual_labels, model.config.beta)
    table = getattr(network, "similarity", None)
    if visual is not None and table is not None:
        similarity = table.numpy(force=True)[np.ix_(audio.classes, visual.classes)]
        pairs = _decisive_pairs(decoding, table, session)
        if pairs:
            consensus = audio.weighted[:, None] * similarity.clip(min=0) * visual.weighted
    return Evidence(audio, visual, similarity, consensus, pairs)


def explain_seconds(
    items: Iterable[Item], session: Session, *, only: int | None = None
) -> Iterator[tuple[int, Explanation]]:
    """Yield the explanation of each whole second of `items` with its number, or of one second alone.

    Seconds count from the start of a file, of a bag from its first window; those without picture or sound have no
    explanation, but a number.

    Raises:
        ValueError: no whole second, as `segment.cut_windows`; or none of that number.
    """
    origin_ns, number = None, -1
    for window in cut_windows(items, session.model.sample_rate):
        origin_ns = first_second_ns(window.start_ns) if origin_ns is None else origin_ns
        number = (window.start_ns - origin_ns) // NANOSECONDS_PER_SECOND
        if only is None or number == only:
            yield number, explain(window, session)
        elif only - session.model.config.history < number < only:
            session.step(window)  # what the chosen second remembers
        if only is not None and number >= only:
            break
    if only is not None and number < only:
        raise ValueError(f"there is no second {only}; the recording has the seconds 0 to {number}")
    if only is not None and number > only:
        raise ValueError(f"second {only} lacks its picture or half of its sound; the next one is {number}")


def describe_explanation(explanation: Explanation) -> dict:
    """The numbers, as JSON can hold them; maps as their size and range."""
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


def _decisive_pairs(decoding: Decoding, table: Tensor, session: Session) -> tuple[UnifiedLabel, ...]:
    """The best pairs by Eq. 6, best first; none where the network took another pair than Eq. 7 would."""
    config = session.model.config
    logits = decoding.audio_logits, decoding.visual_logits
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
