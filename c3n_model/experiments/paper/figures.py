"""Figures 5 to 10 of the paper as PNG files, of any clips and models.

Masks come straight from the network over the whole clip, as they are scored: no presence gate. Frames are shown as the clip
has them; in all figures a prediction is orange and the truth blue. Models must be C3N (TPAVI is one, by its settings).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from c3n_model.experiments.paper.noise import add_visual_noise
from c3n_model.model import Model
from c3n_model.network.c3n import C3N
from c3n_model.pictures.explanation import draw_explanation
from c3n_model.pictures.panels import Block, Row, draw_blocks, heat_picture, mask_picture, short, truth_picture
from c3n_model.progress import Progress, silent
from c3n_model.scoring import metrics
from c3n_model.scoring.evaluate import predict
from c3n_model.streaming.explain import explain
from c3n_model.streaming.session import Session, unified_label
from c3n_model.types import FRAME_OFFSET_NS, NANOSECONDS_PER_SECOND, Clip, Frame, UnifiedLabel, Window

THRESHOLD = 0.5
ATTENTION_STAGE = 2  # of 0 to 3: deep enough to tell objects apart, and fine enough to point at one
FEATURE_STAGE = 1  # follows outlines, and not every texture
NOISE_SEED = 0


@dataclass(frozen=True)
class Answer:
    """Masks of a clip, bool (T, H, W), and the IoU of each frame, float (T,), NaN where the clip has no true mask."""

    masks: np.ndarray
    iou: np.ndarray


def answer(model: Model, clip: Clip, device: torch.device) -> Answer:
    """What `model`, moved to `device`, makes of the whole clip."""
    model.network.to(device).eval()
    masks = predict(model, clip.frames, clip.snippets, device) > THRESHOLD
    return Answer(masks, np.where(clip.has_mask, metrics.frame_iou(metrics.count(masks, clip.masks)), np.nan))


def draw_examples(path: Path, clips: Sequence[Clip], models: Mapping[str, Model], device: torch.device) -> list[str]:
    """Figure 5: clips side by side; frames, truth, and the masks of each model with their IoU.

    Every function here returns what it drew in words, as `panels.draw_blocks` does, and raises OSError if the file cannot
    be written.
    """
    blocks = []
    for clip in clips:
        rows = [_frames(clip), _truth(clip)]
        rows += [_masks(name, clip, answer(model, clip, device)) for name, model in models.items()]
        blocks.append(Block(_title(clip), _seconds(clip), rows))
    return draw_blocks(path, blocks, stacked=False)


@torch.no_grad()
def draw_consensus(path: Path, clip: Clip, second: int, model: Model, device: torch.device) -> list[str]:
    """Figure 6: how the consensus of one second of the clip, counted from 0, came about; the mask is that of the whole clip.
    Returns the titles of the panels.

    Raises ValueError for a second that the clip has not.
    """
    if not 0 <= second < len(clip.frames):
        raise ValueError(f"clip {clip.name} has the seconds 0 to {len(clip.frames) - 1}, got {second}")
    start_ns = second * NANOSECONDS_PER_SECOND
    frame = Frame(clip.frames[second], start_ns + FRAME_OFFSET_NS)
    explanation = explain(Window(start_ns, frame, clip.snippets[second]), Session(model, str(device)))
    mask = answer(model, clip, device).masks[second]
    return draw_explanation(
        replace(explanation, segmentation=replace(explanation.segmentation, mask=mask, objects=())), path
    )


@torch.no_grad()
def draw_attention(path: Path, clip: Clip, tpavi: Model, c3n: Model, device: torch.device) -> list[str]:
    """Figure 7: frames, truth, the audio-visual attention of TPAVI, and CCAM's.

    TPAVI: how strongly each pixel responds to the sound in the non-local block of the third stage, the magnitude of
    `fusion.CrossModalNonLocal.attention` (there is no softmax: its sign means nothing without theta3 and theta4). C3N: CCAM's
    spatial attention at the same stage without its activations (`attention.linear_attention`), and the label that guided it.
    Each map goes from dark to bright over its own range. (The paper does not name its stages.)

    Raises ValueError for a `tpavi` without audio features or a `c3n` without consensus.
    """
    network, images, sounds = _inputs(tpavi, clip, device)
    responses = network.fusion_attention(network.encode(images, sounds), len(images))
    network, images, sounds = _inputs(c3n, clip, device)
    guided = network.linear_attention(images, sounds)
    for name, maps, setting in (("tpavi", responses, "audio_features"), ("c3n", guided, "consensus")):
        if not maps:
            raise ValueError(f"the model given for {name} has no {setting} and so no attention to draw")
    labels = [f"{short(label.audio)}\n~ {short(label.visual)}" for label in consensus_labels(c3n, clip, device)]
    rows = [
        _frames(clip),
        _truth(clip),
        _heat("TPAVI\naudio-visual\nattention", clip, responses[ATTENTION_STAGE].abs()),
        _heat("C3N\nattention\nof CCAM", clip, guided[ATTENTION_STAGE], labels),
    ]
    return draw_blocks(path, [Block(_title(clip), _seconds(clip), rows)], stacked=False)


@torch.no_grad()
def draw_fusion(path: Path, clip: Clip, with_fusion: Model, without_fusion: Model, device: torch.device) -> list[str]:
    """Figure 8: feature heat maps and masks without and with the cross-modal non-local blocks.

    The heat map is the mean over channels of what enters the decoder at the second stage, M_2 of Eq. 14 (V_2^a without the
    blocks), from dark to bright over its own range. (The paper does not name its stage.)
    """
    rows = [_frames(clip), _truth(clip)]
    for name, model in (("without", without_fusion), ("with", with_fusion)):
        network, images, sounds = _inputs(model, clip, device)
        every_frame = torch.ones(1, len(images), dtype=torch.bool, device=device)
        fused = network.fuse(network.encode(images, sounds), every_frame)
        rows.append(_heat(f"features\n{name} fusion", clip, fused[FEATURE_STAGE].mean(dim=1)))
        rows.append(_masks(f"mask\n{name} fusion", clip, answer(model, clip, device)))
    return draw_blocks(path, [Block(_title(clip), _seconds(clip), rows)], stacked=False)


def draw_failures(
    path: Path,
    clips: Sequence[Clip],
    model: Model,
    device: torch.device,
    count: int = 3,
    *,
    progress: Progress = silent,
) -> list[str]:
    """Figure 9: the `count` clips with the lowest mean IoU over their frames with a mask, worst first: frames, truth, masks
    and the unified-modal labels. Clips without any mask are left out."""
    scores = []
    for index in progress(range(len(clips)), "clips"):
        clip = clips[index]
        if clip.has_mask.any():
            scores.append((float(np.nanmean(answer(model, clip, device).iou)), index))
    blocks = []
    for mean, index in sorted(scores)[:count]:
        clip = clips[index]
        labels = [f"{short(label.audio)}\n~ {short(label.visual)}" for label in consensus_labels(model, clip, device)]
        rows = [_frames(clip), _truth(clip), _masks("C3N", clip, answer(model, clip, device), labels)]
        blocks.append(Block(f"{_title(clip)}: mean IoU {mean:.2f}", _seconds(clip), rows))
    return draw_blocks(path, blocks, stacked=True)


def draw_noise(
    path: Path, clip: Clip, model: Model, device: torch.device, snrs: Sequence[float | None] = (None, 30, 20, 10)
) -> list[str]:
    """Figure 10: frames with Gaussian noise of each signal-to-noise ratio in decibels (None: as they are), and the masks.
    The noise is that of `noise.add_visual_noise` with seed 0."""
    rows = [_truth(clip)]
    for ratio in snrs:
        name = "no noise" if ratio is None else f"SNR {ratio:g} dB"
        noisy = clip if ratio is None else add_visual_noise(clip, ratio, NOISE_SEED)
        rows += [replace(_frames(noisy), label=name), _masks(f"mask\n{name}", noisy, answer(model, noisy, device))]
    return draw_blocks(path, [Block(_title(clip), _seconds(clip), rows)], stacked=False)


@torch.no_grad()
def consensus_labels(model: Model, clip: Clip, device: torch.device) -> list[UnifiedLabel]:
    """The unified-modal label of each second of the clip."""
    network, images, sounds = _inputs(model, clip, device)
    consensus = network.encode(images, sounds).consensus
    return [unified_label(consensus, model, second) for second in range(len(clip.frames))]


def _inputs(model: Model, clip: Clip, device: torch.device) -> tuple[C3N, torch.Tensor, torch.Tensor]:
    """The network, and the frames and snippets of the clip as it reads them, on `device`."""
    return model.network.to(device).eval(), *model.inputs(clip.frames, clip.snippets, device)


def _title(clip: Clip) -> str:
    return f"{clip.category.replace('_', ' ')}: {clip.name}" if clip.category else clip.name


def _seconds(clip: Clip) -> list[str]:
    return [f"{second} s" for second in range(1, len(clip.frames) + 1)]


def _frames(clip: Clip) -> Row:
    return Row("frame", clip.frames)


def _truth(clip: Clip) -> Row:
    drawn = zip(clip.frames, clip.masks, clip.has_mask, strict=True)
    pictures = [truth_picture(rgb, mask & known) for rgb, mask, known in drawn]
    return Row("truth", pictures, ["" if known else "not annotated" for known in clip.has_mask])


def _masks(label: str, clip: Clip, found: Answer, notes: Sequence[str] = ()) -> Row:
    drawn = zip(clip.frames, found.masks, clip.masks, clip.has_mask, strict=True)
    pictures = [mask_picture(rgb, mask, truth if known else None) for rgb, mask, truth, known in drawn]
    scores = [_score(iou, truth) for iou, truth in zip(found.iou, clip.masks, strict=True)]
    captions = ["\n".join(filter(None, lines)) for lines in zip(scores, notes, strict=True)] if notes else scores
    return Row(label, pictures, captions)


def _score(iou: float, truth: np.ndarray) -> str:
    if np.isnan(iou):
        return ""
    return f"IoU {iou:.2f}" if truth.any() else f"rightly empty {iou:.2f}"  # AVSBench's rule, see `metrics.frame_iou`


def _heat(label: str, clip: Clip, heat: torch.Tensor, notes: Sequence[str] = ()) -> Row:
    maps = heat.numpy(force=True)
    pictures = [heat_picture(rgb, values) for rgb, values in zip(clip.frames, maps, strict=True)]
    ranges = [f"{values.min():.3g} to {values.max():.3g}" for values in maps]
    captions = ["\n".join(lines) for lines in zip(ranges, notes, strict=True)] if notes else ranges
    return Row(label, pictures, captions)
