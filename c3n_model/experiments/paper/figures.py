"""Draw Figures 5 to 10 of the paper as PNG files, for any clips and models.

Masks are the network's output for the whole clip, as in scoring, without the presence gate. Predictions are orange and the
truth is blue. Models must be C3N (including TPAVI, which is a configuration of it). All functions return the content of the
figure as text (see `panels.draw_blocks`) and raise OSError if the file cannot be written.
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
from c3n_model.streaming.labelling import unified_label
from c3n_model.streaming.session import Session
from c3n_model.types import FRAME_OFFSET_NS, NANOSECONDS_PER_SECOND, Clip, Frame, UnifiedLabel, Window

THRESHOLD = 0.5
ATTENTION_STAGE = 2  # of 0 to 3: deep enough to distinguish objects, fine enough to localise them
FEATURE_STAGE = 1  # responds to outlines rather than to texture
NOISE_SEED = 0


@dataclass(frozen=True)
class Prediction:
    """Masks of a clip, bool (T, H, W), and the IoU of each frame, float (T,), NaN for frames without a true mask."""

    masks: np.ndarray
    iou: np.ndarray


def predict_clip(model: Model, clip: Clip, device: torch.device) -> Prediction:
    """Move `model` to `device` and predict the whole clip."""
    model.network.to(device).eval()
    probabilities, _ = predict(model, clip.frames, clip.snippets, device)
    masks = probabilities > THRESHOLD
    return Prediction(masks, np.where(clip.has_mask, metrics.frame_iou(metrics.count(masks, clip.masks)), np.nan))


def draw_examples(path: Path, clips: Sequence[Clip], models: Mapping[str, Model], device: torch.device) -> list[str]:
    """Draw Figure 5: clips side by side, with frames, truth, and the masks of each model with their IoU."""
    blocks = []
    for clip in clips:
        rows = [_frames(clip), _truth(clip)]
        rows += [_masks(name, clip, predict_clip(model, clip, device)) for name, model in models.items()]
        blocks.append(Block(_title(clip), _seconds(clip), rows))
    return draw_blocks(path, blocks, stacked=False)


@torch.no_grad()
def draw_consensus(path: Path, clip: Clip, second: int, model: Model, device: torch.device) -> list[str]:
    """Draw Figure 6: the consensus of one second of the clip, counted from 0, with the mask predicted from the whole clip.

    Returns the titles of the panels. Raises ValueError if the clip does not have this second.
    """
    if not 0 <= second < len(clip.frames):
        raise ValueError(f"expected a second from 0 to {len(clip.frames) - 1} of clip {clip.name}, got {second}")
    start_ns = second * NANOSECONDS_PER_SECOND
    frame = Frame(clip.frames[second], start_ns + FRAME_OFFSET_NS)
    explanation = explain(
        Window(start_ns, frame, clip.snippets[second]), Session(model, str(device), keep_evidence=True)
    )
    mask = predict_clip(model, clip, device).masks[second]
    return draw_explanation(
        replace(explanation, segmentation=replace(explanation.segmentation, mask=mask, objects=())), path
    )


@torch.no_grad()
def draw_attention(path: Path, clip: Clip, tpavi: Model, c3n: Model, device: torch.device) -> list[str]:
    """Draw Figure 7: frames, truth, and the attention maps of TPAVI and of CCAM.

    TPAVI: the magnitude of `fusion.CrossModalNonLocal.attention` at the third stage, which is each pixel's response to the
    sound (without a softmax, its sign has no meaning without theta3 and theta4). C3N: CCAM's spatial attention at the same
    stage before its activations (`attention.linear_attention`), and the label that guides it. Each map is scaled to its own
    range. The paper does not state its stages.

    Raises ValueError if `tpavi` has no audio features or `c3n` no consensus.
    """
    network, images, sounds = _inputs(tpavi, clip, device)
    responses = network.fusion_attention(network.encode(images, sounds), len(images))
    network, images, sounds = _inputs(c3n, clip, device)
    guided = network.linear_attention(images, sounds)
    for name, maps, setting in (("tpavi", responses, "audio_features"), ("c3n", guided, "consensus")):
        if not maps:
            raise ValueError(f"the model for {name} has no attention to draw; expected one with {setting}")
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
    """Draw Figure 8: feature heat maps and masks without and with the cross-modal non-local blocks.

    The heat map is the mean over channels of the decoder's input at the second stage, M_2 of Eq. 14 (V_2^a without the
    blocks), scaled to its own range. The paper does not state its stage.
    """
    rows = [_frames(clip), _truth(clip)]
    for name, model in (("without", without_fusion), ("with", with_fusion)):
        network, images, sounds = _inputs(model, clip, device)
        every_frame = torch.ones(1, len(images), dtype=torch.bool, device=device)
        fused = network.fuse(network.encode(images, sounds), every_frame)
        rows.append(_heat(f"features\n{name} fusion", clip, fused[FEATURE_STAGE].mean(dim=1)))
        rows.append(_masks(f"mask\n{name} fusion", clip, predict_clip(model, clip, device)))
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
    """Draw Figure 9: frames, truth, masks and unified labels of the `count` clips with the lowest mean IoU, worst first.

    Clips without true masks are skipped.
    """
    scores = []
    for index in progress(range(len(clips)), "clips"):
        clip = clips[index]
        if clip.has_mask.any():
            scores.append((float(np.nanmean(predict_clip(model, clip, device).iou)), index))
    blocks = []
    for mean, index in sorted(scores)[:count]:
        clip = clips[index]
        labels = [f"{short(label.audio)}\n~ {short(label.visual)}" for label in consensus_labels(model, clip, device)]
        rows = [_frames(clip), _truth(clip), _masks("C3N", clip, predict_clip(model, clip, device), labels)]
        blocks.append(Block(f"{_title(clip)}: mean IoU {mean:.2f}", _seconds(clip), rows))
    return draw_blocks(path, blocks, stacked=True)


def draw_noise(
    path: Path, clip: Clip, model: Model, device: torch.device, snrs: Sequence[float | None] = (None, 30, 20, 10)
) -> list[str]:
    """Draw Figure 10: frames with Gaussian noise at each signal-to-noise ratio [dB] (None: no noise), and the masks.

    The noise is that of `noise.add_visual_noise` with seed 0.
    """
    rows = [_truth(clip)]
    for ratio in snrs:
        name = "no noise" if ratio is None else f"SNR {ratio:g} dB"
        noisy = clip if ratio is None else add_visual_noise(clip, ratio, NOISE_SEED)
        rows += [
            replace(_frames(noisy), label=name),
            _masks(f"mask\n{name}", noisy, predict_clip(model, noisy, device)),
        ]
    return draw_blocks(path, [Block(_title(clip), _seconds(clip), rows)], stacked=False)


@torch.no_grad()
def consensus_labels(model: Model, clip: Clip, device: torch.device) -> list[UnifiedLabel]:
    """Compute the unified label of each second of the clip."""
    network, images, sounds = _inputs(model, clip, device)
    consensus = network.encode(images, sounds).consensus
    return [unified_label(consensus, model, second) for second in range(len(clip.frames))]


def _inputs(model: Model, clip: Clip, device: torch.device) -> tuple[C3N, torch.Tensor, torch.Tensor]:
    """Return the network and its input tensors for the clip, on `device`."""
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


def _masks(label: str, clip: Clip, prediction: Prediction, notes: Sequence[str] = ()) -> Row:
    drawn = zip(clip.frames, prediction.masks, clip.masks, clip.has_mask, strict=True)
    pictures = [mask_picture(rgb, mask, truth if known else None) for rgb, mask, truth, known in drawn]
    scores = [_score(iou, truth) for iou, truth in zip(prediction.iou, clip.masks, strict=True)]
    captions = ["\n".join(filter(None, lines)) for lines in zip(scores, notes, strict=True)] if notes else scores
    return Row(label, pictures, captions)


def _score(iou: float, truth: np.ndarray) -> str:
    if np.isnan(iou):
        return ""
    return f"IoU {iou:.2f}" if truth.any() else f"empty truth {iou:.2f}"  # AVSBench's rule, see `metrics.frame_iou`


def _heat(label: str, clip: Clip, heat: torch.Tensor, notes: Sequence[str] = ()) -> Row:
    maps = heat.numpy(force=True)
    pictures = [heat_picture(rgb, values) for rgb, values in zip(clip.frames, maps, strict=True)]
    ranges = [f"{values.min():.3g} to {values.max():.3g}" for values in maps]
    captions = ["\n".join(lines) for lines in zip(ranges, notes, strict=True)] if notes else ranges
    return Row(label, pictures, captions)
