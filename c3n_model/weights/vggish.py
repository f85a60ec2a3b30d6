"""Conversion of VGGish's public checkpoints, and reading and writing its classifier head."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from c3n_model.network.audio.vggish import AttentionHead, VGGish
from c3n_model.weights.tensors import load_weights, read_described, save_tensors

METADATA_KEY = "c3n_vggish_head"
HEAD_PREFIX = "classifier."  # of the tensors that are in no public checkpoint


def save_head(path: Path, head: AttentionHead, card: dict) -> None:
    """Write the head and its `card` (JSON: how it was trained) atomically."""
    save_tensors(path, head.state_dict(), {METADATA_KEY: {"num_classes": head.num_classes, **card}})


def load_head(path: Path, encoder: VGGish) -> dict:
    """Load a head written by `save_head` into `encoder`. Returns its card.

    Raises:
        FileNotFoundError: no such file. ValueError: not safetensors, not a VGGish head, or one for another number of classes.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no such VGGish head: {path}; c3n train-vggish-head writes one")
    card, tensors = read_described(path, METADATA_KEY, "VGGish head")
    if card.get("num_classes") != encoder.num_classes:
        raise ValueError(f"expected a head with {encoder.num_classes} classes, {path} has {card.get('num_classes')}")
    load_weights(encoder.classifier, tensors, path)
    return card


def from_public(state: Mapping[str, Tensor], pca: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Convert the public checkpoints to a state dict of `VGGish` without its head (`classifier.*`); shapes are not checked.

    Args:
        state: `vggish-10086976.pth`, features.* and embeddings.*.
        pca: `vggish_pca_params-970ea276.pth`, pca_eigen_vectors (128, 128) and pca_means (128 or 128 x 1).

    Raises:
        ValueError: `pca` has other keys.
    """
    if pca.keys() != {"pca_eigen_vectors", "pca_means"}:
        raise ValueError(
            "not VGGish's PCA parameters: expected pca_eigen_vectors and pca_means, got "
            f"{', '.join(map(str, list(pca)[:3])) or 'nothing'}; use vggish_pca_params-970ea276.pth of torchvggish v0.1"
        )
    whitening = {f"whitening.{name}": torch.as_tensor(value, dtype=torch.float32) for name, value in pca.items()}
    whitening["whitening.pca_means"] = whitening["whitening.pca_means"].reshape(-1, 1)
    return {**state, **whitening}
