"""A model whose masks a test can paint: what is bright sounds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import nn

from c3n_model.config import ModelConfig
from c3n_model.model import Model
from c3n_model.network.consensus import Consensus
from c3n_model.network.decoding import Decoding
from c3n_model.types import Clip

SIZE = 32


class BrightNetwork(nn.Module):
    """Mask logits are -10 where a frame is black and 10 where it is white; the label is always the pair (1, 0)."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(20.0))

    def encode(self, frames, snippets):
        assert len(frames) == len(snippets)
        return frames

    def summarise(self, frames):
        return frames[:, 0, 0, 0]

    def decode(self, frames, wanted):
        assert wanted.shape == (1, len(frames))
        return self._decode(frames[wanted[0]])

    def decode_newest(self, frames, summaries):
        assert len(frames) == 1 and torch.equal(summaries[-1], self.summarise(frames))
        return self._decode(frames)

    def _decode(self, frames):
        count = len(frames)
        one = torch.ones(count)
        consensus = Consensus(one.long(), 0 * one.long(), 0.5 * one, 0.25 * one, one, 0.75 * one)
        scores = torch.zeros(count, 2)
        return Decoding((frames.mean(dim=1) - 0.5) * self.scale, scores, scores, consensus, one)


def make_bright_model() -> Model:
    """A model of `BrightNetwork` for frames of 32 x 32."""
    return Model("bright", BrightNetwork(), ModelConfig(image_size=SIZE), ("hum", "ring"), ("bell", "fan"))


@dataclass(frozen=True)
class Clips:
    """Clips in memory, with what `evaluate` asks of a data set."""

    clips: list[Clip]
    setting: str = "s4"
    split: str = "test"
    read: list[int] = field(default_factory=list)

    def __len__(self):
        return len(self.clips)

    def __getitem__(self, index):
        self.read.append(index)
        return self.clips[index]


def make_clip(name: str, painted: np.ndarray, truth: np.ndarray, category: str = "", **changes) -> Clip:
    """A clip for which the bright model's masks are `painted` bool (T, 32, 32)."""
    frames = np.repeat(painted[..., None].astype(np.uint8) * 255, 3, axis=-1)
    clip = Clip(name, frames, np.zeros((len(truth), 8), np.float32), truth, np.ones(len(truth), bool), category)
    return replace(clip, **changes)


def rows(*heights: int) -> np.ndarray:
    """bool (T, 32, 32): for each frame so many full rows from the top."""
    return np.arange(SIZE)[None, :, None] < np.broadcast_to(np.array(heights)[:, None, None], (len(heights), 1, SIZE))
