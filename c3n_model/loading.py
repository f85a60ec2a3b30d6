"""A model by name or file: the one door that the commands and the node use."""

from __future__ import annotations

import os
from pathlib import Path

from c3n_model.checkpoint import load_checkpoint
from c3n_model.model import Model
from c3n_model.weights import WEIGHTS_VARIABLE

DEMO = Path(__file__).parent / "assets" / "demo.safetensors"


def load_model(name_or_path: str | Path) -> Model:
    """`demo` is embedded; `zero_shot` takes its classifiers from the folder that C3N_WEIGHTS names; else a file.

    Raises:
        FileNotFoundError: no such file. ValueError: a file that is no usable model; see `checkpoint` and `zero_shot`.
    """
    if name_or_path == "demo":
        return load_checkpoint(DEMO)
    if name_or_path == "zero_shot":
        from c3n_model.zero_shot import load_zero_shot

        return load_zero_shot(Path(os.environ.get(WEIGHTS_VARIABLE, "weights")))
    if not Path(name_or_path).is_file():
        raise FileNotFoundError(f"no model {str(name_or_path)!r}: neither a file nor one of demo, zero_shot")
    return load_checkpoint(Path(name_or_path))
