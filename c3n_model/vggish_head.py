"""VGGish's head as a file: one safetensors file with its weights and how it was made. Nothing is unpickled."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from c3n_model.network.audio.vggish import AttentionHead, VGGish

METADATA_KEY = "c3n_vggish_head"


def save_head(path: Path, head: AttentionHead, card: dict) -> None:
    """Write the head and how it was made (`card`, JSON); the file appears complete or not at all."""
    partial = path.with_suffix(".partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.contiguous() for name, tensor in head.state_dict().items()}
    save_file(tensors, partial, metadata={METADATA_KEY: json.dumps({"num_classes": head.num_classes, **card})})
    partial.chmod(0o644)  # safetensors writes for the owner only
    partial.rename(path)


def load_head(path: Path, encoder: VGGish) -> dict:
    """Put the head that `save_head` wrote into `encoder`; returns its card.

    Raises:
        FileNotFoundError: no such file. ValueError: not safetensors, no VGGish head, or one of other classes.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no VGGish head at {path}; c3n train-vggish-head writes one")
    try:
        with safe_open(path, framework="pt") as file:
            about = (file.metadata() or {}).get(METADATA_KEY)
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except SafetensorError as error:
        raise ValueError(f"{path} is not a complete safetensors file ({error}); copy it again") from error
    if about is None:
        raise ValueError(f"{path} is no VGGish head: it lacks the {METADATA_KEY!r} entry of c3n train-vggish-head")
    card = json.loads(about)
    if card["num_classes"] != encoder.num_classes:
        raise ValueError(f"{path} knows {card['num_classes']} classes; the encoder expects {encoder.num_classes}")
    _fill(encoder.classifier, tensors, path)
    return card


def _fill(head: nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    expected = {name: tuple(tensor.shape) for name, tensor in head.state_dict().items()}
    got = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    wrong = sorted(name for name in expected.keys() | got.keys() if expected.get(name) != got.get(name))
    if wrong:
        name = wrong[0]
        raise ValueError(
            f"{path} is a VGGish head of another version: {len(wrong)} tensors differ, such as {name}: expected "
            f"{expected.get(name, 'none')}, got {got.get(name, 'none')}; train it again"
        )
    head.load_state_dict(tensors)
