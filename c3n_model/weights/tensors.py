"""Tensors from and to files, and into modules. Nothing that a file holds is executed."""

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

# PANNs' 16 kHz checkpoint holds NumPy arrays and numbers beside its tensors: which training clips came next. Rebuilding them
# runs no code of the file's own. NumPy 1 and NumPy 2 name the module of these functions differently.
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
    """What a .safetensors file or a torch checkpoint holds, on the CPU: tensors by name, or a dict around them.

    Raises:
        FileNotFoundError: no such file. ValueError: cut, of another kind, or it holds code besides tensors.
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
    except Exception as error:  # a broken file leads an unpickler into any error
        raise ValueError(_refusal(path, error)) from error
    if not isinstance(tensors, dict):
        raise ValueError(_broken(path, f"it holds a {type(tensors).__name__}, expected tensors by name"))
    return tensors


def fill(module: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Load `tensors`, which came from `path`, into `module`: all of them, and nothing may be left out.

    Raises:
        ValueError: names or shapes differ, or numbers are not finite; the module is left as it was.
    """
    expected = module.state_dict()
    missing, surplus = sorted(expected.keys() - tensors.keys()), sorted(tensors.keys() - expected.keys())
    wrong = [name for name in expected if name in tensors and _shape(tensors[name]) != expected[name].shape]
    if missing or surplus or wrong:
        examples = ", ".join([*missing[:2], *surplus[:2], *sorted(wrong)[:2]][:3])
        raise ValueError(
            f"the weights in {path} do not fit {type(module).__name__} as configured: {len(missing)} tensors missing, "
            f"{len(surplus)} unknown, {len(wrong)} of another shape (such as {examples}); "
            "they are of another model or version"
        )
    check_finite(tensors, path)
    module.load_state_dict(tensors)


def check_finite(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Raise ValueError where a tensor that came from `path` holds NaN or infinity: nothing good comes of such weights."""
    bad = [name for name, tensor in tensors.items() if tensor.is_floating_point() and not bool(tensor.isfinite().all())]
    if bad:
        count = int((~tensors[bad[0]].isfinite()).sum())
        raise ValueError(
            f"{path} holds numbers that are NaN or infinite in {len(bad)} of {len(tensors)} tensors ({bad[0]}: {count}): "
            "get the file again, or take the last good checkpoint of the training"
        )


def save_tensors(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Mapping] = {}) -> None:
    """Write a safetensors file, complete or not at all, with each entry of `about` as metadata in JSON.

    Raises OSError where it cannot be written; a former file is left as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
    metadata = {key: json.dumps(value) for key, value in about.items()}
    try:
        with complete_file(path) as partial:
            save_file(contiguous, partial, metadata=metadata)
    except SafetensorError as error:  # which it also makes of a full disk
        raise OSError(f"{path} cannot be written: {error}") from error


def read_described(path: Path, key: str, what: str) -> tuple[dict, dict[str, Tensor]]:
    """The description and the tensors, on the CPU, of a file that `save_tensors` wrote with `key`; `what` names it in messages.

    Raises:
        FileNotFoundError: no such file. ValueError: cut, not safetensors, without `key`, or its description is no JSON object.
    """
    if path.is_file():
        refuse_stand_in(path)
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
    check_finite(tensors, path)
    return about, tensors


def _shape(tensor) -> tuple[int, ...] | None:
    return tensor.shape if isinstance(tensor, Tensor) else None


def _refusal(path: Path, error: Exception) -> str:
    code = re.search(r"GLOBAL (\S+)", str(error))
    if code:
        return (
            f"{path} is not loaded: it asks for {code[1]}, that is code, and not only tensors. Get the file from its "
            "publisher again; if it is meant to hold code, save its state dict as safetensors where you trust it"
        )
    if "Unsupported operand" in str(error) and zipfile.is_zipfile(path):  # a whole archive
        return (
            f"{path} is not loaded: expected pickle protocol 2, as torch.save writes, got an instruction of another one. If it "
            "is whole, save its state dict again as safetensors where you trust it"
        )
    # torch's own words are not quoted: they advise to unpickle the file unchecked
    return _broken(path, str(error) if isinstance(error, SafetensorError) else "it is no checkpoint of tensors")


def _broken(path: Path, reason: str) -> str:
    return f"{path} cannot be read as weights ({reason}): it is cut or of another kind; get it again"
