"""VGGish's public checkpoints as tensors of `VGGish`, and its head as a file: its weights and how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from c3n_model.network.audio.vggish import AttentionHead, VGGish
from c3n_model.weights.tensors import fill, read_described, save_tensors

METADATA_KEY = "c3n_vggish_head"
HEAD_PREFIX = "classifier."  # of the tensors that no public checkpoint holds


def save_head(path: Path, head: AttentionHead, card: dict) -> None:
    """Write the head and how it was made (`card`, JSON); the file appears complete or not at all."""
    save_tensors(path, head.state_dict(), {METADATA_KEY: {"num_classes": head.num_classes, **card}})


def load_head(path: Path, encoder: VGGish) -> dict:
    """Put the head that `save_head` wrote into `encoder`; returns its card.

    Raises:
        FileNotFoundError: no such file. ValueError: not safetensors, no VGGish head, or one of other classes.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no VGGish head at {path}; c3n train-vggish-head writes one")
    card, tensors = read_described(path, METADATA_KEY, "VGGish head")
    if card.get("num_classes") != encoder.num_classes:
        raise ValueError(f"{path} knows {card.get('num_classes')} classes; the encoder expects {encoder.num_classes}")
    fill(encoder.classifier, tensors, path)
    return card


def from_public(state: Mapping[str, Tensor], pca: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The public checkpoints as a state dict of `VGGish`, all but its head (`classifier.*`), still to be compared with it.

    Args:
        state: `vggish-10086976.pth`, features.* and embeddings.*.
        pca: `vggish_pca_params-970ea276.pth`, pca_eigen_vectors (128, 128) and pca_means (128 or 128 x 1).

    Raises:
        ValueError: `pca` is of another kind.
    """
    if pca.keys() != {"pca_eigen_vectors", "pca_means"}:
        raise ValueError(
            "not VGGish's PCA parameters: expected pca_eigen_vectors and pca_means, got "
            f"{', '.join(map(str, list(pca)[:3])) or 'nothing'}; use vggish_pca_params-970ea276.pth of torchvggish v0.1"
        )
    whitening = {f"whitening.{name}": torch.as_tensor(value, dtype=torch.float32) for name, value in pca.items()}
    whitening["whitening.pca_means"] = whitening["whitening.pca_means"].reshape(-1, 1)
    return {**state, **whitening}
