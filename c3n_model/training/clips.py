"""Clips as the training loop takes them: tensors, augmented, in an order that a seed alone decides.

What a clip looks like in an epoch, and when it comes, depends on the seed, the epoch and the clip, not on the process or the
worker that loads it. So an interrupted training goes on as if nothing had been, and two processes see what one would.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset
from torchvision.transforms.v2 import ColorJitter

from c3n_model.config import TrainConfig
from c3n_model.preprocess import frames_to_tensor
from c3n_model.training.distributed import ALONE, Group
from c3n_model.types import Clip

Key = tuple[int, int]  # epoch, from 1, and index of a clip
Batch = tuple[Tensor, Tensor, Tensor, Tensor]


class TrainingClips(Dataset):
    """Clips as tensors: frames (T, 3, S, S), snippets (T, samples), masks bool (T, S, S), has_mask (T,); augmented as in
    the paper by a flip of the whole clip and a colour jitter of each frame. `clips[epoch, index]`."""

    def __init__(self, clips: Dataset, image_size: int, config: TrainConfig):
        self.clips, self.image_size, self.flip, self.seed = clips, image_size, config.flip, config.seed
        self.jitter = ColorJitter(0.4, 0.4, 0.4, 0.1) if config.color_jitter else None

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, key: Key) -> Batch:
        epoch, index = key
        clip: Clip = self.clips[index]
        frames, masks = frames_to_tensor(clip.frames, self.image_size), masks_to_tensor(clip.masks, self.image_size)
        with torch.random.fork_rng(devices=[]):
            turned = seed_clip(self.seed, epoch, index) and self.flip
            if self.jitter is not None:
                frames = torch.stack([self.jitter(frame) for frame in frames])
        if turned:
            frames, masks = frames.flip(-1), masks.flip(-1)
        return frames, torch.from_numpy(clip.snippets), masks, torch.from_numpy(clip.has_mask)


def seed_clip(seed: int, epoch: int, index: int) -> bool:
    """Seed torch's generator for a clip in an epoch; returns the first draw, whether the clip is to be flipped."""
    torch.manual_seed(int(np.random.SeedSequence([seed, epoch, index]).generate_state(1)[0]))
    return bool(torch.rand(()) < 0.5)


def masks_to_tensor(masks: np.ndarray, size: int) -> Tensor:
    """Masks bool (T, H, W) -> bool (T, size, size), nearest."""
    pixels = torch.from_numpy(masks)[:, None].float()
    return nn.functional.interpolate(pixels, size=(size, size), mode="nearest")[:, 0] > 0.5


def updates_per_epoch(clips: int, config: TrainConfig) -> int:
    """Whole batches of an epoch; what does not fill one is left for another epoch.

    Raises ValueError if there is none.
    """
    if clips < config.batch_size:
        raise ValueError(f"{clips} training clips do not fill one batch of {config.batch_size}; lower train.batch_size")
    return clips // config.batch_size


def parts_in_order(clips: int, config: TrainConfig, *, done: int = 0, group: Group = ALONE) -> Iterator[list[Key]]:
    """This process's share of every batch after the first `done` updates, in `accumulate` parts each: keys of clips.

    Raises:
        ValueError: a batch that cannot be shared evenly.
    """
    shares = group.size * config.accumulate
    if config.batch_size % shares:
        raise ValueError(
            f"a batch of {config.batch_size} clips cannot be shared evenly by {group.size} processes in "
            f"{config.accumulate} parts each; make train.batch_size a multiple of {shares}"
        )
    updates = updates_per_epoch(clips, config)
    for epoch in range(1 + done // updates, config.epochs + 1):
        order = np.random.default_rng([config.seed, epoch]).permutation(clips)
        for update in range(done % updates if epoch == 1 + done // updates else 0, updates):
            batch = order[update * config.batch_size : (update + 1) * config.batch_size]
            for part in range(config.accumulate):
                yield [(epoch, int(index)) for index in batch[group.rank * config.accumulate + part :: shares]]
