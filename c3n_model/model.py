"""A model: a network and what is needed to use it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from c3n_model.config import ModelConfig, ZeroShotConfig
from c3n_model.preprocess import frames_to_tensor


@dataclass(frozen=True)
class Model:
    """A network and what is needed to use it. `card` holds what a reader wants to know: `note`, `command`, `scores`.

    `config` is a ZeroShotConfig for a zero-shot model, else a ModelConfig; sessions read only what both have.
    """

    name: str
    network: nn.Module
    config: ModelConfig | ZeroShotConfig
    audio_labels: tuple[str, ...]
    visual_labels: tuple[str, ...]
    card: dict = field(default_factory=dict)

    @property
    def sample_rate(self) -> int:
        """Samples per second that the audio encoder hears."""
        return self.network.audio_encoder.sample_rate

    def inputs(self, frames: np.ndarray, snippets: np.ndarray, device: torch.device) -> tuple[Tensor, Tensor]:
        """Make what the network's `encode` reads of N seconds, on `device`.

        frames uint8 (N, H, W, 3) RGB -> float32 (N, 3, image_size, image_size) in [0, 1]; snippets float32 (N, sample_rate)
        in [-1, 1] as they are.
        """
        images = frames_to_tensor(frames, self.config.image_size)
        return images.to(device), torch.from_numpy(snippets).to(device)

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that change with any of the weights."""
        digest = hashlib.sha256()
        for name, value in sorted(self.network.state_dict().items()):
            digest.update(name.encode() + value.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:12]


def choose_device(device: str) -> torch.device:
    """ "auto" is CUDA where there is one, else the CPU; or cpu, cuda, cuda:N. Raises ValueError for any other, or one that
    this machine has not."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if not re.fullmatch(r"cpu|cuda(:\d+)?", device):
        raise ValueError(f"device {device!r} is unknown; use auto, cpu, cuda or cuda:N")
    try:
        chosen = torch.device(device)
        torch.zeros(1, device=chosen)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"device {device!r} cannot be used here ({reason}); use auto, cpu or cuda") from error
    return chosen
