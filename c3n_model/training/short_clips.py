"""Training on fewer seconds than a clip has: as many as the model processes together (`model.history`)."""

from __future__ import annotations

import numpy as np
from torch import Tensor
from torch.utils.data import Dataset

from c3n_model.training.clips import Key


class ShortClips(Dataset):
    """The items of `clips` (`TrainingClips` or `CachedFeatures`), cut to `history` consecutive seconds.

    Which ones is drawn by seed, epoch and clip, among those in which a second has a mask (in S4 the first).
    """

    def __init__(self, clips: Dataset, history: int, seed: int):
        self.clips, self.history, self.seed = clips, history, seed

    def __len__(self) -> int:
        return len(self.clips)  # type: ignore[arg-type]  # both have a length

    def __getitem__(self, key: Key) -> tuple:
        item = self.clips[key]
        has_mask = item[-1].numpy()
        starts = [s for s in range(max(1, len(has_mask) - self.history + 1)) if has_mask[s : s + self.history].any()]
        random = np.random.default_rng([self.seed, *key, len(has_mask)])
        start = starts[int(random.integers(len(starts)))] if starts else 0
        return tuple(_cut(part, start, self.history) for part in item)


def _cut(part: Tensor | dict[str, Tensor], start: int, seconds: int) -> Tensor | dict[str, Tensor]:
    if isinstance(part, dict):
        return {name: value[start : start + seconds] for name, value in part.items()}
    return part[start : start + seconds]
