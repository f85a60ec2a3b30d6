"""Glimpses: looks at a part of a frame for what is heard, because objects that fill little of it are lost on the whole frame.

An image classifier pools the features of all places of an image before it names it. Pooled over a window of places only, the same
features name that part of the image, so one pass classifies all windows (OverFeat, Sermanet et al. 2014). That is coarse; the
window in which an audible object is most likely is then cropped and classified at the classifier's own size.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from c3n_model.network.fusion import upsample
from c3n_model.network.visual_encoder import VisualEncoder

SEARCH_SIZE = 320  # pixels, of the frame whose windows are classified: 10 x 10 places of MobileNetV2
CROP_SIZE = 224  # pixels, of the crop: classifiers are calibrated at the size they were trained on
WINDOW = 0.5  # sides of a window as a fraction of the frame's
DISCOUNT = 1.4  # nats off the log-confidence of a crop: it is the best of many windows


@dataclass(frozen=True)
class Glimpse:
    """A look at a part of one frame: `label`, an index of the vocabulary; `log_confidence` of it in nats; `box` float32 (4,), x0 y0
    x1 y1 as fractions of the frame."""

    label: int
    log_confidence: float
    box: Tensor


def dense_features(encoder: VisualEncoder, frames: Tensor, side: int) -> Tensor:
    """Return the features (N, C, h, w) that the classifier pools, of frames (N, 3, H, W) in [0, 1] scaled to `side` pixels."""
    return encoder.backbone.forward_features((upsample(frames, (side, side)) - encoder.mean) / encoder.std)


def search(encoder: VisualEncoder, frame: Tensor, members: Tensor) -> tuple[Tensor, Tensor]:
    """Search all windows of a frame (3, H, W) in [0, 1] for labels, of which `members` bool (n, classes) are the classes.

    Returns the log-confidence (n,) of each label in its best window, and those windows' boxes (n, 4) as fractions of the frame.
    """
    features = dense_features(encoder, frame[None], SEARCH_SIZE)
    height, width = features.shape[2:]
    rows, columns = (max(1, round(WINDOW * length)) for length in (height, width))
    pooled = F.avg_pool2d(features, (rows, columns), stride=1)[0]
    log_probability = _classify(encoder, pooled.flatten(1).T[:, :, None, None])  # windows classes
    confidence = log_probability[:, None].masked_fill(~members.to(frame.device), -torch.inf).logsumexp(dim=2)
    best, index = confidence.max(dim=0)
    left, top = index % pooled.shape[2] / width, index // pooled.shape[2] / height
    return best, torch.stack([left, top, left + columns / width, top + rows / height], dim=1)


def look_closer(encoder: VisualEncoder, frame: Tensor, box: Tensor, members: Tensor) -> float:
    """Classify the crop of a frame (3, H, W) to a box; return the log-confidence, in nats, of the classes `members` bool
    (classes,)."""
    height, width = frame.shape[1:]
    (left, right), (top, bottom) = (
        (
            round(float(box[axis]) * length),
            max(round(float(box[axis + 2]) * length), round(float(box[axis]) * length) + 1),
        )
        for axis, length in ((0, width), (1, height))
    )
    crop = upsample(frame[None, :, top:bottom, left:right], (CROP_SIZE, CROP_SIZE))
    _, logits = encoder(crop)
    return float(logits[0].log_softmax(dim=0)[members.to(frame.device)].logsumexp(dim=0))


def _classify(encoder: VisualEncoder, pooled: Tensor) -> Tensor:
    """Return the log-probabilities (N, classes) of features (N, C, 1, 1)."""
    return encoder.backbone.forward_head(pooled).log_softmax(dim=1)
