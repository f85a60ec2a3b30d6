"""The model: a network with its config, labels and card; and the choice of a device."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from c3n_model.config import ModelConfig, ZeroShotConfig
from c3n_model.preprocess import frames_to_tensor, respace_snippets, to_device


@dataclass(frozen=True)
class Model:
    """A network with its config and labels. `card` describes it: `note`, `command`, `scores`, `tagger`.

    `config` is a ZeroShotConfig for a zero-shot model, else a ModelConfig; sessions read only their common fields.
    """

    name: str
    network: nn.Module
    config: ModelConfig | ZeroShotConfig
    audio_labels: tuple[str, ...]
    visual_labels: tuple[str, ...]
    card: dict = field(default_factory=dict)

    @property
    def sample_rate(self) -> int:
        """Sample rate of the audio encoder [Hz]."""
        return self.network.audio_encoder.sample_rate

    @property
    def tagger(self) -> str:
        """The audio taggers of a zero-shot model, such as "mn04+yamnet": logits of others cannot be compared with theirs. "" if unknown."""
        return self.card.get("tagger", "")

    def inputs(self, frames: np.ndarray, snippets: np.ndarray, device: torch.device) -> tuple[Tensor, Tensor]:
        """Convert a second of a stream, or the N seconds of a clip, to the inputs of the network's `encode`, on `device`.

        frames uint8 (N, H, W, 3) RGB -> float32 (N, 3, image_size, image_size) in [0, 1]; snippets float32 (N, sample_rate)
        in [-1, 1] are not changed, but for a `snippet_spacing_s` in the config.
        """
        images = frames_to_tensor(frames, self.config.image_size, device)
        spacing_s = getattr(self.config, "snippet_spacing_s", 1.0)
        return images, to_device(torch.from_numpy(respace_snippets(snippets, spacing_s)), device)

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits of a hash of all weights; of an exported step, those of the weights it was made from."""
        if isinstance(exported := getattr(self.network, "fingerprint", None), str):
            return exported
        digest = hashlib.sha256()
        for name, value in sorted(self.network.state_dict().items()):
            digest.update(name.encode())
            digest.update(value.cpu().contiguous().numpy().data)
        return digest.hexdigest()[:12]


def choose_device(device: str) -> torch.device:
    """Return the device `auto`, `cpu`, `cuda` or `cuda:N`; `auto` is CUDA if available, else the CPU.

    Raises ValueError for any other name, or if the device is not available.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if not re.fullmatch(r"cpu|cuda(:\d+)?", device):
        raise ValueError(f"unknown device {device!r}; use auto, cpu, cuda or cuda:N")
    try:
        chosen = torch.device(device)
        torch.zeros(1, device=chosen)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"device {device!r} cannot be used here ({reason}); use auto, cpu or cuda") from error
    return chosen
