"""A model by name or file: the one door that the commands and the node use."""

from __future__ import annotations

from pathlib import Path

import yaml

from c3n_model.config import ZeroShotConfig, read_config
from c3n_model.model import Model
from c3n_model.weights.checkpoint import load_checkpoint

DEMO = Path(__file__).parent / "assets" / "demo.safetensors"


def load_model(name_or_path: str | Path) -> Model:
    """`demo` is embedded; `zero_shot` is made of pretrained classifiers (`c3n weights get zero_shot`), with the settings of
    a YAML file's section `zero_shot` if that is given in its place; else a checkpoint.

    Raises:
        FileNotFoundError: no such file. ValueError: a file that is no usable model, a YAML file without the section;
        see `checkpoint` and `zero_shot.build`.
    """
    if name_or_path == "demo":
        return load_checkpoint(DEMO)
    path = Path(name_or_path)
    if name_or_path == "zero_shot" or (path.suffix in (".yaml", ".yml") and path.is_file()):
        from c3n_model.zero_shot.build import load_zero_shot

        return load_zero_shot(None if name_or_path == "zero_shot" else _zero_shot_section(path))
    if not path.is_file():
        raise FileNotFoundError(f"no model {str(name_or_path)!r}: neither a file nor one of demo, zero_shot")
    return load_checkpoint(path)


def _zero_shot_section(path: Path) -> ZeroShotConfig:
    config = read_config(path)
    if "zero_shot" not in (yaml.safe_load(path.read_text()) or {}):
        raise ValueError(
            f"{path} has no section zero_shot; settings of a C3N are for c3n train, whose checkpoint is a model"
        )
    return config.zero_shot
