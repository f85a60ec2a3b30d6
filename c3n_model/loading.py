"""Load a model by name or file, for the commands and the node."""

from __future__ import annotations

from pathlib import Path

import yaml

from c3n_model.config import ZeroShotConfig, read_config
from c3n_model.model import Model
from c3n_model.weights.checkpoint import load_checkpoint

DEMO = Path(__file__).parent / "assets" / "demo.safetensors"


def load_model(name_or_path: str | Path) -> Model:
    """Load a model on the CPU.

    Args:
        name_or_path: `demo`, the embedded model; `zero_shot`, built from pretrained classifiers (`c3n weights get
        zero_shot`); a YAML file whose section `zero_shot` has its settings; a checkpoint; or a file of `c3n export`.
    Raises:
        FileNotFoundError: no such file. ValueError: an invalid checkpoint, or a YAML file without that section; see
        `weights.checkpoint` and `zero_shot.build`.
    """
    if name_or_path == "demo":
        return load_checkpoint(DEMO)
    path = Path(name_or_path)
    if path.suffix == ".onnx" and path.is_file():
        from c3n_model.deployment.exported import load_exported

        return load_exported(path)
    if name_or_path == "zero_shot" or (path.suffix in (".yaml", ".yml") and path.is_file()):
        from c3n_model.zero_shot.build import load_zero_shot

        return load_zero_shot(None if name_or_path == "zero_shot" else _zero_shot_section(path))
    if not path.is_file():
        raise FileNotFoundError(f"no model {str(name_or_path)!r}: expected demo, zero_shot or a file")
    return load_checkpoint(path)


def _zero_shot_section(path: Path) -> ZeroShotConfig:
    config = read_config(path)
    if "zero_shot" not in (yaml.safe_load(path.read_text()) or {}):
        raise ValueError(
            f"{path} has no section zero_shot; the config of a C3N is for c3n train, load the checkpoint that it writes"
        )
    return config.zero_shot
