"""Score a model on clips: AVSBench's, synthetic scenes in their layout, or scenes composed for the zero-shot bench."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import cv2
import numpy as np
import torch

from c3n_model.model import Model
from c3n_model.network.c3n import C3N
from c3n_model.network.decoding import Decoding
from c3n_model.network.fusion import join_contributions
from c3n_model.presence import decide_presence
from c3n_model.progress import Progress
from c3n_model.scoring.evaluation import Evaluation
from c3n_model.scoring.metrics import MASK_THRESHOLD, MaskCounts, ThresholdCounts, count, count_thresholds
from c3n_model.streaming.labelling import unified_label
from c3n_model.types import Clip, UnifiedLabel


class Clips(Protocol):
    """A collection of clips; reports name it by its `setting` and `split`."""

    setting: str
    split: str

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Clip: ...


@torch.no_grad()
def predict(
    model: Model,
    frames: np.ndarray,
    snippets: np.ndarray,
    device: torch.device,
    *,
    gated: bool = False,
    select: np.ndarray | None = None,
) -> tuple[np.ndarray, Decoding]:
    """Predict the masks of one clip.

    Args:
        frames: uint8 (T, H, W, 3).
        snippets: float32 (T, samples).
        gated: empty the masks of seconds in which nothing is audible or the source is not in view, as a live session does.
        select: bool (T,), the M seconds for which to return masks (default: all); all T seconds are encoded in any case.
    Returns:
        Probabilities float32 (M, H, W) at the frames' size, and the decoding of the same M frames, with classes and consensus.
    """
    select = np.ones(len(frames), bool) if select is None else select
    images, sounds = model.inputs(frames, snippets, device)
    decoding = decode_clip(model, model.network.encode(images, sounds), torch.from_numpy(select).to(device))
    size = frames.shape[1:3]
    return (_gated(model, snippets[select], decoding, size)[0] if gated else _raw(decoding, size)), decoding


def decode_clip(model: Model, encoding: Any, select: torch.Tensor) -> Decoding:
    """Decode the seconds of an encoded clip that are marked in `select` bool (T,).

    Where a C3N processes fewer seconds together than the clip has, each is decoded with those before it, as in a live session."""
    network, history = model.network, model.config.history
    if history >= len(select) or not isinstance(network, C3N):
        return network.decode(encoding, select[None])
    summaries = network.summarise(encoding)
    ends = (select.nonzero().flatten() + 1).tolist()
    contexts = [join_contributions(summaries[max(0, end - history) : end][None]) for end in ends]
    return network.decode_in_context(encoding.select(select), torch.cat(contexts))


def _raw(decoding: Decoding, size: tuple[int, int]) -> np.ndarray:
    """The probabilities float32 (M, H, W) of all sources that the network names."""
    masks = _masks(decoding, size)
    for other in decoding.others:
        masks = np.maximum(masks, _masks(other, size) * (other.presence > 0).cpu().numpy()[:, None, None])
    return masks


def _gated(
    model: Model, snippets: np.ndarray, decoding: Decoding, size: tuple[int, int]
) -> tuple[np.ndarray, list[Decoding]]:
    """The probabilities float32 (M, H, W) that a live session would publish, and the decoding whose label it would show."""
    sources = (decoding, *decoding.others)
    published = np.stack([_is_published(model, snippets, source) for source in sources])  # sources M
    masks = [_masks(source, size) * shown[:, None, None] for source, shown in zip(sources, published, strict=True)]
    return np.max(masks, axis=0), [sources[rank] for rank in published.argmax(axis=0)]


def _masks(decoding: Decoding, size: tuple[int, int]) -> np.ndarray:
    masks = np.stack([cv2.resize(mask, size[::-1]) for mask in decoding.logits.sigmoid().cpu().numpy()])
    return masks.clip(0, 1)  # interpolation weights may sum to slightly more than 1


def _is_published(model: Model, snippets: np.ndarray, decoding: Decoding) -> np.ndarray:
    """Decide for each second whether a live session would publish a mask, bool (T,)."""
    config = model.config
    audible = decoding.audible if decoding.audible is not None else [None] * len(snippets)
    presences = (
        decide_presence(
            snippet,
            float(score),
            config.presence_threshold,
            audible=None if heard is None else float(heard),
            visual_score=float(visual_score),
            visibility_threshold=config.visibility_threshold,
        )
        for snippet, score, heard, visual_score in zip(
            snippets, decoding.presence, audible, decoding.consensus.visual_score, strict=True
        )
    )
    return np.array([presence.present for presence in presences])


def evaluate(
    model: Model,
    clips: Clips,
    device: torch.device,
    progress: Progress,
    *,
    alter: Callable[[Clip], Clip] | None = None,
    gated: bool = False,
) -> Evaluation:
    """Predict every clip and count correct pixels in the frames that have a mask.

    Clips are predicted one at a time, so that no prediction depends on other clips, while the next one is being read. `alter`
    modifies each clip first (its sound in a study of noise; it may also change its truth). `gated` is as in `predict`.

    Raises:
        ValueError: a clip that cannot be read or scored; the message names it.
    """
    return _evaluate(model, clips, device, progress, alter, (gated,))[0]


def evaluate_gate(
    model: Model, clips: Clips, device: torch.device, progress: Progress
) -> tuple[Evaluation, Evaluation]:
    """Evaluate as `evaluate` does, without and with the gate, predicting each clip once."""
    network, gated = _evaluate(model, clips, device, progress, None, (False, True))
    return network, gated


def _evaluate(
    model: Model, clips: Clips, device: torch.device, progress: Progress, alter: Callable[[Clip], Clip] | None,
    gates: tuple[bool, ...],
) -> list[Evaluation]:  # fmt: skip
    model.network.to(device).eval()
    scored: list[list] = []
    names, categories = [], []
    reader = _read_ahead(clips)
    for _ in progress(range(len(clips)), f"{clips.setting} {clips.split}"):
        clip = next(reader) if alter is None else alter(next(reader))
        scored.append(_score(model, clip, device, f"clip {clip.name} of {clips.setting} {clips.split}", gates))
        names.append(clip.name)
        categories.append(clip.category)
    return [_joined(clips, names, categories, list(parts)) for parts in zip(*scored)]


def _joined(clips: Clips, names: list[str], categories: list[str], scored: list[tuple]) -> Evaluation:
    counts, thresholds, seconds, labels = zip(*scored)
    return Evaluation(
        setting=clips.setting,
        split=clips.split,
        names=tuple(names),
        categories=tuple(categories),
        clip_index=np.repeat(np.arange(len(names)), [len(part) for part in seconds]),
        seconds=np.concatenate(seconds),
        counts=MaskCounts.join(counts),
        thresholds=ThresholdCounts.join(thresholds),
        labels=tuple(label for part in labels for label in part),
    )


def _read_ahead(clips: Clips) -> Iterator[Clip]:
    """Yield the clips in order, reading each while the previous one is in use."""
    with ThreadPoolExecutor(max_workers=1) as reader:
        future = reader.submit(_read, clips, 0)
        for index in range(1, len(clips) + 1):
            clip = future.result()
            if index < len(clips):
                future = reader.submit(_read, clips, index)
            yield clip


def _read(clips: Clips, index: int) -> Clip:
    try:
        return clips[index]
    except (OSError, ValueError) as error:
        raise ValueError(f"clip {index} of {clips.setting} {clips.split} cannot be read: {error}") from error


def _score(
    model: Model, clip: Clip, device: torch.device, name: str, gates: tuple[bool, ...]
) -> list[tuple[MaskCounts, ThresholdCounts, np.ndarray, list[UnifiedLabel]]]:
    """Score the frames of a clip that have a mask; return their counts, seconds and labels, without or with each gate."""
    (seconds,) = np.nonzero(clip.has_mask)
    if not len(seconds):
        raise ValueError(f"{name} has no mask to score; expected a png in gt_masks")
    probabilities, decoding = predict(model, clip.frames, clip.snippets, device, select=clip.has_mask)
    truth = clip.masks[seconds]
    if not np.isfinite(probabilities).all():
        raise ValueError(
            f"the prediction for {name} is not finite; check its sound and the model's weights for NaN and infinity"
        )
    shown = [decoding] * len(seconds)
    results = []
    for gated in gates:
        if gated:
            probabilities, shown = _gated(model, clip.snippets[seconds], decoding, clip.frames.shape[1:3])
        labels = [unified_label(source.consensus, model, index) for index, source in enumerate(shown)]
        counts = count(probabilities > MASK_THRESHOLD, truth)
        results.append((counts, count_thresholds(probabilities, truth), seconds, labels))
    return results
