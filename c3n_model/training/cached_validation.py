"""The validation score of an epoch from cached features: with a frozen backbone both encoders need not run again."""

from __future__ import annotations

import torch

from c3n_model.model import Model
from c3n_model.progress import Progress
from c3n_model.scoring.evaluate import decode_clip
from c3n_model.scoring.metrics import MASK_THRESHOLD, MaskCounts, count, mean_iou
from c3n_model.training.features import CachedFeatures, encoding_from


@torch.no_grad()
def cached_miou(model: Model, clips: CachedFeatures, device: torch.device, progress: Progress) -> float:
    """Compute the mIoU of all seconds with a mask, as `scoring.evaluate` does but at the model's image size.

    `clips` must not be flipped."""
    model.network.to(device).eval()
    counts = []
    for index in progress(range(len(clips)), "validation"):
        features, masks, has_mask = clips[0, index]
        encoding = encoding_from(
            {name: value[None].to(device) for name, value in features.items()}, tuple(masks.shape[1:])
        )
        logits = decode_clip(model, encoding, has_mask.to(device)).logits
        counts.append(count((logits.sigmoid() > MASK_THRESHOLD).cpu().numpy(), masks[has_mask].numpy().astype(bool)))
    return mean_iou(MaskCounts.join(counts))
