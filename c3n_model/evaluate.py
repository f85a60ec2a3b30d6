"""Score a model on AVSBench clips (or synthetic scenes in their layout)."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from c3n_model.data.avsbench import AVSBench
from c3n_model.metrics import MaskCounts, count, false_positive_area, mean_iou
from c3n_model.model import Model
from c3n_model.preprocess import frames_to_tensor
from c3n_model.progress import Progress


@torch.no_grad()
def predict(model: Model, frames: np.ndarray, snippets: np.ndarray, device: torch.device) -> np.ndarray:
    """Masks of one clip, straight from the network (no presence gate): frames uint8 (T, H, W, 3), snippets float32
    (T, samples) -> probabilities float32 (T, H, W) at the frames' own size."""
    images = frames_to_tensor(frames, model.config.image_size).to(device)
    logits = model.network(images[None], torch.from_numpy(snippets)[None].to(device))[0]
    height, width = frames.shape[1:3]
    return np.stack([cv2.resize(frame, (width, height)) for frame in logits.sigmoid().cpu().numpy()])


def evaluate(model: Model, clips: AVSBench, device: torch.device, progress: Progress) -> dict[str, float | None]:
    """Mean IoU over all frames that carry a mask (threshold 0.5, AVSBench's rule for empty masks), the same over frames
    whose truth is not empty, and the fraction painted where it is empty."""
    model.network.to(device).eval()
    counts = []
    for index in progress(range(len(clips)), f"{clips.setting} {clips.split}"):
        clip = clips[index]
        masks = predict(model, clip.frames, clip.snippets, device) > 0.5
        counts.append(count(masks[clip.has_mask], clip.masks[clip.has_mask]))
    return summarise(MaskCounts.join(counts))


def summarise(counts: MaskCounts) -> dict[str, float | None]:
    """The numbers of `evaluate` from counted frames."""
    sounding = ~counts.empty_truth
    columns = (counts.true_positive, counts.false_positive, counts.false_negative, counts.true_negative)
    return {
        "frames": int(len(sounding)),
        "miou": mean_iou(counts),
        "miou_sounding": mean_iou(MaskCounts(*(column[sounding] for column in columns))) if sounding.any() else 0.0,
        "false_positive_area": false_positive_area(counts) if counts.empty_truth.any() else None,
    }
