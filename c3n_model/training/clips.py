"""Training clips as augmented tensors, in a seeded order.

The order and the augmentation of a clip depend only on the seed, the epoch and the clip, not on the process or worker that
loads it. A resumed training is therefore identical to an uninterrupted one, and several processes see the same batches as
one.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.transforms.v2 import ColorJitter

from c3n_model.config import TrainConfig
from c3n_model.preprocess import frames_to_tensor, resize_mask, respace_snippets
from c3n_model.training.distributed import SINGLE_PROCESS, Group
from c3n_model.training.negatives import Negatives
from c3n_model.types import Clip

Key = tuple[int, int]  # (epoch, counted from 1; index of a clip)
Batch = tuple[Tensor, Tensor, Tensor, Tensor]


class TrainingClips(Dataset):
    """Clips as tensors: frames (T, 3, S, S), snippets (T, samples), masks bool (T, S, S), has_mask bool (T,).

    Augmented as in the paper: a horizontal flip of the whole clip and a colour jitter of each frame. With `config.negatives` some clips
    get a sound without a source in view and empty masks. Indexed by `clips[epoch, index]`.
    """

    def __init__(self, clips: Dataset, image_size: int, config: TrainConfig, snippet_spacing_s: float = 1.0):
        """`image_size` and `snippet_spacing_s` as in the `ModelConfig`."""
        self.clips, self.image_size, self.flip, self.seed = clips, image_size, config.flip, config.seed
        self.snippet_spacing_s = snippet_spacing_s
        self.jitter = ColorJitter(0.4, 0.4, 0.4, 0.1) if config.color_jitter else None
        self.negatives = Negatives(clips, config.negatives, config.seed) if config.negatives else None

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, key: Key) -> Batch:
        epoch, index = key
        clip: Clip = self.clips[index]
        if self.negatives is not None:
            clip = self.negatives.altered(clip, epoch, index)
        frames, masks = frames_to_tensor(clip.frames, self.image_size), masks_to_tensor(clip.masks, self.image_size)
        with torch.random.fork_rng(devices=[]):
            flipped = seed_clip(self.seed, epoch, index) and self.flip
            if self.jitter is not None:
                frames = torch.stack([self.jitter(frame) for frame in frames])
        if flipped:
            frames, masks = frames.flip(-1), masks.flip(-1)
        snippets = respace_snippets(clip.snippets, self.snippet_spacing_s)
        return frames, torch.from_numpy(snippets), masks, torch.from_numpy(clip.has_mask)


def seed_clip(seed: int, epoch: int, index: int) -> bool:
    """Seed torch's random generator for a clip in an epoch; return the first draw, whether to flip the clip."""
    torch.manual_seed(int(np.random.SeedSequence([seed, epoch, index]).generate_state(1)[0]))
    return bool(torch.rand(()) < 0.5)


def masks_to_tensor(masks: np.ndarray, size: int) -> Tensor:
    """Resize masks bool (T, H, W) to bool (T, size, size), see `resize_mask`."""
    return torch.from_numpy(np.stack([resize_mask(mask, (size, size)) for mask in masks]))


def updates_per_epoch(clips: int, config: TrainConfig) -> int:
    """Count the full batches per epoch; the remaining clips of an epoch are skipped. Raises ValueError if there are none."""
    if clips < config.batch_size:
        raise ValueError(f"{clips} training clips do not fill one batch of {config.batch_size}; lower train.batch_size")
    return clips // config.batch_size


def micro_batch_keys(
    clips: int, config: TrainConfig, *, done: int = 0, group: Group = SINGLE_PROCESS
) -> Iterator[list[Key]]:
    """Yield the clip keys of this process's micro-batches, `accumulate` per update, after the first `done` updates.

    Raises:
        ValueError: the batch size is not divisible by the number of processes times `accumulate`.
    """
    shares = group.size * config.accumulate
    if config.batch_size % shares:
        raise ValueError(
            f"a batch of {config.batch_size} clips cannot be split evenly over {group.size} processes with "
            f"train.accumulate {config.accumulate}; make train.batch_size a multiple of {shares}"
        )
    updates = updates_per_epoch(clips, config)
    for epoch in range(1 + done // updates, config.epochs + 1):
        order = np.random.default_rng([config.seed, epoch]).permutation(clips)
        for update in range(done % updates if epoch == 1 + done // updates else 0, updates):
            batch = order[update * config.batch_size : (update + 1) * config.batch_size]
            for part in range(config.accumulate):
                yield [(epoch, int(index)) for index in batch[group.rank * config.accumulate + part :: shares]]
