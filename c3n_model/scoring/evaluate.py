"""Score a model on clips: AVSBench's, synthetic scenes in their layout, or scenes composed for the zero-shot bench."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import cv2
import numpy as np
import torch

from c3n_model.model import Model
from c3n_model.network.c3n import Decoding
from c3n_model.presence import judge
from c3n_model.progress import Progress
from c3n_model.scoring.evaluation import Evaluation
from c3n_model.scoring.metrics import MASK_THRESHOLD, MaskCounts, ThresholdCounts, count, count_thresholds
from c3n_model.streaming.session import unified_label
from c3n_model.types import Clip, UnifiedLabel


class Clips(Protocol):
    """What is evaluated: clips by index. `setting` names the collection and `split` the part of it, as in a report."""

    setting: str
    split: str

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Clip: ...


def predict(
    model: Model,
    frames: np.ndarray,
    snippets: np.ndarray,
    device: torch.device,
    *,
    gated: bool = False,
    wanted: np.ndarray | None = None,
) -> np.ndarray:
    """Masks of one clip: frames uint8 (T, H, W, 3), snippets float32 (T, samples) -> probabilities float32 (T, H, W) at the
    frames' own size. Straight from the network, or `gated` as a live session publishes them: empty where nothing is audible
    or what is heard is not in view. `wanted` bool (T,) limits the masks to those seconds; all T are heard all the same."""
    return predict_and_tell(model, frames, snippets, device, gated=gated, wanted=wanted)[0]


@torch.no_grad()
def predict_and_tell(
    model: Model,
    frames: np.ndarray,
    snippets: np.ndarray,
    device: torch.device,
    *,
    gated: bool = False,
    wanted: np.ndarray | None = None,
) -> tuple[np.ndarray, Decoding]:
    """As `predict`, and the decoding of the wanted frames: what was heard and seen, and the consensus."""
    wanted = np.ones(len(frames), bool) if wanted is None else wanted
    images, sounds = model.inputs(frames, snippets, device)
    decoding = model.network.decode(model.network.encode(images, sounds), torch.from_numpy(wanted)[None].to(device))
    height, width = frames.shape[1:3]
    masks = np.stack([cv2.resize(mask, (width, height)) for mask in decoding.logits.sigmoid().cpu().numpy()])
    masks = masks.clip(0, 1)  # weights of a resize may sum to a last bit more than 1
    return (masks * _published(model, snippets[wanted], decoding)[:, None, None] if gated else masks), decoding


def _published(model: Model, snippets: np.ndarray, decoding: Decoding) -> np.ndarray:
    """bool (T,): whether a session would publish a mask of each second."""
    config = model.config
    presences = (
        judge(
            snippet,
            float(score),
            config.presence_threshold,
            visual_score=float(visual_score),
            visibility_threshold=config.visibility_threshold,
        )
        for snippet, score, visual_score in zip(
            snippets, decoding.presence, decoding.consensus.visual_score, strict=True
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
    """Predict every clip and count, in the frames that carry a mask, how right that is.

    One clip goes through the network at a time, so that no prediction depends on its neighbours; the next is read meanwhile.
    `alter` changes a clip before anything is done with it (its sound, for a study of noise; its truth too, if it likes).
    `gated`: as in `predict`.

    Raises:
        ValueError: a clip that cannot be read or scored; the message names it.
    """
    model.network.to(device).eval()
    scored, names, categories = [], [], []
    reader = _read_ahead(clips)
    for _ in progress(range(len(clips)), f"{clips.setting} {clips.split}"):
        clip = next(reader) if alter is None else alter(next(reader))
        scored.append(_score(model, clip, device, f"clip {clip.name} of {clips.setting} {clips.split}", gated))
        names.append(clip.name)
        categories.append(clip.category)
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
    """The clips in their order, each read while the one before is being used."""
    with ThreadPoolExecutor(max_workers=1) as reader:
        coming = reader.submit(_read, clips, 0)
        for index in range(1, len(clips) + 1):
            clip = coming.result()
            if index < len(clips):
                coming = reader.submit(_read, clips, index)
            yield clip


def _read(clips: Clips, index: int) -> Clip:
    try:
        return clips[index]
    except (OSError, ValueError) as error:
        raise ValueError(f"clip {index} of {clips.setting} {clips.split} cannot be read: {error}") from error


def _score(
    model: Model, clip: Clip, device: torch.device, name: str, gated: bool
) -> tuple[MaskCounts, ThresholdCounts, np.ndarray, list[UnifiedLabel]]:
    """The counts of the frames of one clip that carry a mask, which of its seconds they are, and their labels."""
    (seconds,) = np.nonzero(clip.has_mask)
    if not len(seconds):
        raise ValueError(f"{name} has no mask, so there is nothing to score; expected a png in gt_masks")
    probabilities, decoding = predict_and_tell(
        model, clip.frames, clip.snippets, device, gated=gated, wanted=clip.has_mask
    )
    truth = clip.masks[seconds]
    if not np.isfinite(probabilities).all():
        raise ValueError(
            f"the prediction for {name} is not finite: its sound or the model's weights hold NaN or infinity"
        )
    counts = count(probabilities > MASK_THRESHOLD, truth)
    labels = [unified_label(decoding.consensus, model, index) for index in range(len(seconds))]
    return counts, count_thresholds(probabilities, truth), seconds, labels
