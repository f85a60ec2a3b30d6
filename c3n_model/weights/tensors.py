"""Reading and writing tensors, and loading them into modules. No code in a file is executed."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from c3n_model.complete_file import complete_file
from c3n_model.files.signatures import refuse_stand_in

# PANNs' 16 kHz checkpoint contains NumPy arrays and scalars besides its tensors (the state of its data sampler). Rebuilding
# them runs no code of the file. NumPy 1 and NumPy 2 name the module of these functions differently.
_REBUILDERS = (np.zeros(1).__reduce__()[0], np.float64(1).__reduce__()[0])
_NUMPY = [
    *(
        (f, f"{module}.{f.__name__}")
        for f in _REBUILDERS
        for module in ("numpy.core.multiarray", "numpy._core.multiarray")
    ),
    np.ndarray,
    np.dtype,
    *(type(np.dtype(kind)) for kind in "?bhilqBHILQefdFDSU"),  # every kind of number, and text; none of objects
]


def read_tensors(path: Path) -> dict:
    """Read a .safetensors file or a torch checkpoint on the CPU: tensors by name, or a dict that contains them.

    Raises:
        FileNotFoundError: no such file. ValueError: truncated, of another kind, or containing code besides tensors.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    refuse_stand_in(path)
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with torch.serialization.safe_globals(_NUMPY):
            tensors = torch.load(path, map_location="cpu", weights_only=True)
    except PermissionError:
        raise
    except Exception as error:  # a damaged file can raise any error in an unpickler
        raise ValueError(_unreadable(path, error)) from error
    if not isinstance(tensors, dict):
        raise ValueError(_broken(path, f"expected tensors by name, got a {type(tensors).__name__}"))
    return tensors


def load_weights(module: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Load `tensors`, read from `path`, into `module`; names and shapes must match exactly.

    Raises:
        ValueError: names or shapes differ, or numbers are not finite; the module is unchanged.
    """
    expected = module.state_dict()
    missing, surplus = sorted(expected.keys() - tensors.keys()), sorted(tensors.keys() - expected.keys())
    wrong = [name for name in expected if name in tensors and _shape(tensors[name]) != expected[name].shape]
    if missing or surplus or wrong:
        examples = ", ".join([*missing[:2], *surplus[:2], *sorted(wrong)[:2]][:3])
        raise ValueError(
            f"the weights in {path} do not fit {type(module).__name__} as configured: {len(missing)} tensors missing, "
            f"{len(surplus)} unknown, {len(wrong)} of another shape (such as {examples}); "
            "they belong to another model or version"
        )
    check_finite(tensors, path)
    module.load_state_dict(tensors)


def check_finite(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Raise ValueError if one of `tensors`, read from `path`, contains NaN or infinity."""
    bad = [name for name, tensor in tensors.items() if tensor.is_floating_point() and not bool(tensor.isfinite().all())]
    if bad:
        count = int((~tensors[bad[0]].isfinite()).sum())
        raise ValueError(
            f"{path} contains numbers that are NaN or infinite in {len(bad)} of {len(tensors)} tensors ({bad[0]}: {count}): "
            "download the file again, or use the last good checkpoint of the training"
        )


def save_tensors(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Mapping] = {}) -> None:
    """Write a safetensors file atomically, with each entry of `about` as metadata in JSON.

    Raises OSError if it cannot be written; an existing file is then unchanged.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
    metadata = {key: json.dumps(value) for key, value in about.items()}
    try:
        with complete_file(path) as partial:
            save_file(contiguous, partial, metadata=metadata)
    except SafetensorError as error:  # also raised for a full disk
        raise OSError(f"{path} cannot be written: {error}") from error


def read_described(path: Path, key: str, kind: str) -> tuple[dict, dict[str, Tensor]]:
    """Read a file written by `save_tensors` with the metadata `key`; `kind` names such a file in errors.

    Returns its description and its tensors on the CPU.

    Raises:
        FileNotFoundError: no such file. ValueError: truncated, not safetensors, without `key`, or the description is not a
        JSON object.
    """
    if path.is_file():
        refuse_stand_in(path)
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(key)
            if text is None:
                raise ValueError(f"{path} is not a {kind}: its metadata lacks {key!r}")
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        about = json.loads(text)
    except SafetensorError as error:
        raise ValueError(
            f"{path} is not a {kind}: it is not a complete safetensors file ({error}); copy it again. "
            "Pickled .pt / .pth files are not supported here"
        ) from error
    except json.JSONDecodeError as error:
        raise ValueError(f"invalid {kind} {path}: its description is not JSON ({error})") from error
    if not isinstance(about, dict):
        raise ValueError(f"invalid {kind} {path}: expected a JSON object as description, got a {type(about).__name__}")
    check_finite(tensors, path)
    return about, tensors


def _shape(tensor) -> tuple[int, ...] | None:
    return tensor.shape if isinstance(tensor, Tensor) else None


def _unreadable(path: Path, error: Exception) -> str:
    code = re.search(r"GLOBAL (\S+)", str(error))
    if code:
        return (
            f"{path} is not loaded: besides tensors it contains code ({code[1]}). Download the file from its publisher again; "
            "if it is meant to contain code, save its state dict as safetensors on a machine where you trust it"
        )
    if "Unsupported operand" in str(error) and zipfile.is_zipfile(path):  # a complete archive
        return (
            f"{path} is not loaded: expected pickle protocol 2, as written by torch.save, got an instruction of another one. If "
            "it is complete, save its state dict as safetensors on a machine where you trust it"
        )
    # torch's own message is not quoted: it advises to unpickle the file without checks
    return _broken(path, str(error) if isinstance(error, SafetensorError) else "it is not a checkpoint of tensors")


def _broken(path: Path, reason: str) -> str:
    return f"{path} cannot be read as weights ({reason}): it is truncated or of another kind; download it again"
