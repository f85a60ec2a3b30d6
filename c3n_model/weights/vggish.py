"""VGGish's head as a file: its weights and how it was made. Nothing is unpickled."""

from __future__ import annotations

from pathlib import Path

from c3n_model.network.audio.vggish import AttentionHead, VGGish
from c3n_model.weights.tensors import fill, read_described, save_tensors

METADATA_KEY = "c3n_vggish_head"


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
