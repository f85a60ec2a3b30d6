"""The pictures of a report: the best and the worst clips, and false positives."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from c3n_model.model import Model
from c3n_model.network.c3n import C3N
from c3n_model.pictures.overlay import draw_attention, draw_mask, outline_truth
from c3n_model.preprocess import resize_mask
from c3n_model.progress import Progress
from c3n_model.scoring.evaluate import Clips, predict
from c3n_model.scoring.evaluation import Evaluation
from c3n_model.scoring.metrics import MASK_THRESHOLD, frame_iou
from c3n_model.scoring.report.tables import label_text
from c3n_model.types import Clip

SHOWN = 6  # examples of each kind
STAGE = 3  # of CCAM: late enough to distinguish classes, fine enough to localise them
_WIDTH = 160  # width of a picture on the page [pixels]
_JPEG = (cv2.IMWRITE_JPEG_QUALITY, 72, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)


@dataclass(frozen=True)
class Example:
    """A clip in a report.

    `iou` is the clip's; `panels` show `second`, whose IoU is `frame_iou`, and are (title, range of its colours or "",
    picture). `strip` has one picture per scored second. Pictures are data URIs.
    """

    clip: str
    category: str
    iou: float
    second: int
    frame_iou: float
    label: str
    scores: str
    panels: tuple[tuple[str, str, str], ...]
    strip: tuple[str, ...]


@dataclass(frozen=True)
class Gallery:
    """Examples of one setting: the clips with the highest and lowest IoU, and the largest masks where the truth is empty."""

    best: tuple[Example, ...]
    worst: tuple[Example, ...]
    false_positives: tuple[Example, ...]


def make_gallery(
    model: Model,
    clips: Clips,
    evaluation: Evaluation,
    device: torch.device,
    progress: Progress,
    *,
    gated: bool = False,
    shown: int = SHOWN,
    groups: Sequence[str] | None = None,
) -> Gallery:
    """Select examples, predict them again, `gated` as in the evaluation, and draw at most `shown` of each kind.

    No clip is both best and worst, and clips whose truth is empty are not among the best. Each kind shows only one clip of
    each of the `groups` of similar clips (one entry per clip; by default every clip is its own group).
    """
    keys = range(len(evaluation.names)) if groups is None else groups
    frames = {
        kind: _one_per_group(_rank_frames(evaluation, kind), keys, evaluation)[:shown]
        for kind in ("best", "worst", "false_positives")
    }
    todo = [(kind, frame) for kind, chosen in frames.items() for frame in chosen]
    drawn: dict[str, list[Example]] = {kind: [] for kind in frames}
    for kind, frame in progress(todo, f"pictures of {clips.setting}"):
        clip = clips[int(evaluation.clip_index[frame])]
        drawn[kind].append(_example(model, clip, evaluation, frame, device, gated))
    return Gallery(**{kind: tuple(examples) for kind, examples in drawn.items()})


def _rank_frames(evaluation: Evaluation, kind: str) -> list[int]:
    """Rank the frames for the panels, best first for "best" (one per clip), worst first for "worst" (one per clip)."""
    if kind == "false_positives":
        painted = np.where(evaluation.counts.empty_truth, evaluation.counts.false_positive, 0)
        order = np.argsort(-painted, kind="stable")
        return [int(frame) for frame in order if painted[frame] > 0]
    size = len(evaluation.names)
    ranked = np.argsort(-evaluation.clip_ious(), kind="stable")
    clips = ranked[: (size + 1) // 2] if kind == "best" else ranked[(size + 1) // 2 :][::-1]
    quality, frames = frame_iou(evaluation.counts), []
    for rows in (np.flatnonzero(evaluation.clip_index == clip) for clip in clips):
        if kind == "worst":
            frames.append(int(rows[quality[rows].argmin()]))
        elif (sounding := rows[~evaluation.counts.empty_truth[rows]]).size:  # correctly empty frames are not shown
            frames.append(int(sounding[quality[sounding].argmax()]))
    return frames


def _one_per_group(frames: list[int], keys: Sequence, evaluation: Evaluation) -> list[int]:
    """Keep the frames of the first clip of each group, given one key per clip."""
    first: dict = {}
    for frame in frames:
        clip = int(evaluation.clip_index[frame])
        first.setdefault(keys[clip], clip)
    return [frame for frame in frames if first[keys[int(evaluation.clip_index[frame])]] == evaluation.clip_index[frame]]


def _example(
    model: Model, clip: Clip, evaluation: Evaluation, frame: int, device: torch.device, gated: bool
) -> Example:
    index, second, label = int(evaluation.clip_index[frame]), int(evaluation.seconds[frame]), evaluation.labels[frame]
    scored = np.flatnonzero(clip.has_mask)
    probabilities, _ = predict(model, clip.frames, clip.snippets, device, gated=gated, select=clip.has_mask)
    masks = probabilities > MASK_THRESHOLD
    small = {int(s): _shrink(clip.frames[s], mask, clip.masks[s]) for s, mask in zip(scored, masks, strict=True)}
    rgb, mask, truth = small[second]
    panels = [
        ("frame", "", rgb),
        ("truth", "", outline_truth(_dim(rgb, truth), truth)),
        ("prediction", "", draw_mask(rgb, mask)),
        *_attention(model, clip, second, rgb, device),
    ]
    strip = (outline_truth(draw_mask(*small[s][:2]), small[s][2]) for s in small)
    return Example(
        clip=clip.name,
        category=clip.category,
        iou=float(evaluation.clip_ious()[index]),
        second=second,
        frame_iou=float(frame_iou(evaluation.counts)[frame]),
        label=label_text(label),
        scores=f"audio {label.audio_score:.2f}, visual {label.visual_score:.2f}, consensus {label.consensus:.2f}",
        panels=tuple((title, span, data_uri(picture)) for title, span, picture in panels),
        strip=tuple(data_uri(picture) for picture in strip),
    )


@torch.no_grad()
def _attention(
    model: Model, clip: Clip, second: int, rgb: np.ndarray, device: torch.device
) -> list[tuple[str, str, np.ndarray]]:
    """Draw CCAM's attention without and with the label; empty for a network without CCAM."""
    if not isinstance(model.network, C3N):
        return []
    maps = model.network.attention_maps(*model.inputs(clip.frames, clip.snippets, device))
    values = [part[second].numpy(force=True) for stage in maps[STAGE - 1 : STAGE] for part in stage]
    return [
        (title, f"{value.min():.2f} to {value.max():.2f}", draw_attention(rgb, value))
        for title, value in zip(("attention", "with label"), values)
    ]


def _shrink(rgb: np.ndarray, *masks: np.ndarray) -> tuple[np.ndarray, ...]:
    """Resize a frame and its masks to the size on the page, so that outlines keep their width."""
    size = (_WIDTH, max(round(rgb.shape[0] * _WIDTH / rgb.shape[1]), 1))
    small = (resize_mask(mask, size[::-1]) for mask in masks)
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), *small


def _dim(rgb: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Darken the image outside the mask."""
    return np.where(mask[..., None], rgb, rgb // 4)


def data_uri(rgb: np.ndarray) -> str:
    """Encode RGB uint8 (H, W, 3) as a JPEG data URI."""
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), _JPEG)
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode()
