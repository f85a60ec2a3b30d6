"""Load a model by name or file, for the commands and the node."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import yaml

from c3n_model.config import ZeroShotConfig, read_config
from c3n_model.model import Model
from c3n_model.progress import Progress, silent
from c3n_model.weights.checkpoint import load_checkpoint
from c3n_model.weights.first_use import fetch_missing
from c3n_model.weights.hub_folders import fetch_folder

DEMO = Path(__file__).parent / "assets" / "demo.safetensors"


def fetch_weights(name_or_path: str | Path, say: Callable[[str], None], progress: Progress = silent) -> None:
    """Download the pretrained files that a model of `load_model` needs and this machine lacks; nothing for a checkpoint.

    Models of `open_vocabulary` that are not on this machine are fetched into Hugging Face's cache.

    Raises as `weights.first_use.fetch_missing` and `weights.hub_folders.fetch_folder`, and ValueError for an invalid YAML file.
    """
    path = Path(name_or_path)
    is_settings = path.suffix in (".yaml", ".yml") and path.is_file()
    if name_or_path != "zero_shot" and not is_settings:
        return
    from c3n_model.zero_shot.needed_files import needed_files

    config = read_config(path).zero_shot if is_settings else ZeroShotConfig()
    files = needed_files(config)
    fetch_missing(files.required, files.optional, say=say, progress=progress)
    for name in filter(None, (config.open_vocabulary, config.open_vocabulary_masks)):
        fetch_folder(name, say)


def load_model(name_or_path: str | Path) -> Model:
    """Load a model on the CPU.

    Args:
        name_or_path: `demo`, the embedded model; `zero_shot`, built from pretrained classifiers (`c3n weights get
        zero_shot`); a YAML file whose section `zero_shot` has its settings, and whose section `combined` may name a checkpoint
        beside it; a checkpoint; or a file of `c3n export`.
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
    if name_or_path == "zero_shot":
        from c3n_model.zero_shot.build import load_zero_shot

        return load_zero_shot()
    if path.suffix in (".yaml", ".yml") and path.is_file():
        return _load_described(path)
    if not path.is_file():
        raise FileNotFoundError(f"no model {str(name_or_path)!r}: expected demo, zero_shot or a file")
    return load_checkpoint(path)


def _load_described(path: Path) -> Model:
    config, sections = read_config(path), yaml.safe_load(path.read_text()) or {}
    if "combined" in sections:
        from c3n_model.combination.build_combined import load_combined

        if not config.combined.trained:
            raise ValueError(f"{path} has a section combined without trained; expected trained: CHECKPOINT")
        return load_combined(config)
    if "zero_shot" not in sections:
        raise ValueError(
            f"{path} has no section zero_shot; the config of a C3N is for c3n train, load the checkpoint that it writes"
        )
    from c3n_model.zero_shot.build import load_zero_shot

    return load_zero_shot(config.zero_shot)
