"""Glimpses: looks at a part of a frame for what is heard, because objects that fill little of it are lost on the whole frame.

An image classifier pools the features of all places of an image before it names it. Pooled over a window of places only, the same
features name that part of the image, so one pass classifies all windows (OverFeat, Sermanet et al. 2014). The best of many windows is
often right and often a coincidence, more so for some labels than for others: see `visual_prior`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from c3n_model.network.fusion import upsample
from c3n_model.network.visual_encoder import VisualEncoder
from c3n_model.zero_shot.visual_prior import VisualPrior

# Pixels, of the frame whose windows are classified: 20 x 20 places of MobileNetV2. The larger the frame, the less of an object's
# surroundings its features see.
SEARCH_SIZE = 640
WINDOWS = (0.5, 0.36, 0.21)  # sides of the windows as fractions of the frame's
SURROUNDINGS = 0.2  # fraction of the whole frame's logits that is subtracted from those of its windows
# A label's log-odds of being in view: SLOPE times how far the rarity of its best window among unrelated pictures exceeds MIDDLE (nats),
# less the logarithm of the number of labels that are sought, because the more are sought, the sooner one is found by chance.
SLOPE, MIDDLE = 2.5, 5.0
DISCOUNT = 1.4  # nats off the log-confidence of the best of many windows, without a prior


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


def search(encoder: VisualEncoder, frame: Tensor, members: Tensor, prior: VisualPrior | None) -> tuple[Tensor, Tensor]:
    """Search all windows of a frame (3, H, W) in [0, 1] for labels, of which `members` bool (n, classes) are the classes.

    Args:
        prior: of the n labels, what pictures that do not show them give.
    Returns:
        The log-confidence (n,) that each label is in view, and the boxes (n, 4) of its best windows, as fractions of the frame.
    """
    best, boxes = best_windows(encoder, frame, members)
    if prior is None:
        return best - DISCOUNT, boxes
    log_odds = SLOPE * (prior.rarity(best) - MIDDLE) - math.log(len(members))
    return F.logsigmoid(log_odds), boxes


def best_windows(encoder: VisualEncoder, frame: Tensor, members: Tensor) -> tuple[Tensor, Tensor]:
    """Return the log-probability (n,) of each label, as in `search`, in the window where it is highest, and the boxes (n, 4)."""
    features = dense_features(encoder, frame[None], SEARCH_SIZE)
    height, width = features.shape[2:]
    whole = SURROUNDINGS * _classify(encoder, features)
    scores, boxes = [], []
    for side in WINDOWS:
        rows, columns = (max(1, round(side * length)) for length in (height, width))
        pooled = F.avg_pool2d(features, (rows, columns), stride=1)[0]
        scores.append((_classify(encoder, pooled.flatten(1).T[:, :, None, None]) - whole).softmax(dim=1))
        places = torch.arange(len(scores[-1]), device=frame.device)
        left, top = places % pooled.shape[2] / width, places // pooled.shape[2] / height
        boxes.append(torch.stack([left, top, left + columns / width, top + rows / height], dim=1))
    probability = torch.cat(scores) @ members.to(scores[0]).T  # windows n
    best, index = probability.max(dim=0)
    return best.clamp(min=torch.finfo(best.dtype).tiny).log(), torch.cat(boxes)[index]


def _classify(encoder: VisualEncoder, pooled: Tensor) -> Tensor:
    """Return the logits (N, classes) of features (N, C, h, w)."""
    return encoder.backbone.forward_head(pooled)
