"""A model by name or file: the one door that the commands and the node use."""

from __future__ import annotations

from pathlib import Path

from c3n_model.checkpoint import load_checkpoint
from c3n_model.config import read_config
from c3n_model.model import Model

DEMO = Path(__file__).parent / "assets" / "demo.safetensors"


def load_model(name_or_path: str | Path) -> Model:
    """`demo` is embedded; `zero_shot` is made of pretrained classifiers (`c3n weights get zero_shot`), with the settings of
    a YAML file's section `zero_shot` if that is given in its place; else a checkpoint.

    Raises:
        FileNotFoundError: no such file. ValueError: a file that is no usable model; see `checkpoint` and `zero_shot.build`.
    """
    if name_or_path == "demo":
        return load_checkpoint(DEMO)
    path = Path(name_or_path)
    if name_or_path == "zero_shot" or (path.suffix in (".yaml", ".yml") and path.is_file()):
        from c3n_model.zero_shot.build import load_zero_shot

        return load_zero_shot(None if name_or_path == "zero_shot" else read_config(path).zero_shot)
    if not path.is_file():
        raise FileNotFoundError(f"no model {str(name_or_path)!r}: neither a file nor one of demo, zero_shot")
    return load_checkpoint(path)
