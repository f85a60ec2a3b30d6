"""Tensors and a description of them, JSON, in one safetensors file. Nothing is unpickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor


def save(path: Path, tensors: Mapping[str, Tensor], key: str, about: Mapping) -> None:
    """Write `tensors` with `about` as the metadata entry `key`; the file appears complete or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
    save_file(contiguous, partial, metadata={key: json.dumps(about)})
    partial.chmod(0o644)  # safetensors writes for the owner only; a robot's service user must read it, too
    partial.replace(path)


def read(path: Path, key: str, what: str) -> tuple[dict, dict[str, Tensor]]:
    """The description and the tensors, on the CPU, of a file that `save` wrote; `what` names it in messages.

    Raises:
        FileNotFoundError: no such file. ValueError: cut, not safetensors, without `key`, or its description is no JSON object.
    """
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(key)
            if text is None:
                raise ValueError(f"{path} is a safetensors file but no {what}: it lacks the {key!r} entry of one")
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        about = json.loads(text)
    except SafetensorError as error:
        raise ValueError(
            f"{path} is no {what}: it is not a complete safetensors file ({error}); copy it again. "
            "Pickled .pt / .pth files are never loaded as such"
        ) from error
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is no usable {what}: its description is not JSON ({error})") from error
    if not isinstance(about, dict):
        raise ValueError(f"{path} is no usable {what}: its description is a {type(about).__name__}, expected an object")
    return about, tensors
