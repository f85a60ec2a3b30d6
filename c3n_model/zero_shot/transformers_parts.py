"""Networks, tokenizers and image processors of the library transformers, from local folders.

Only safetensors files are read, only the library's own code runs, and nothing is looked up in the network.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from c3n_model.environment import install_command

EXTRA = "open-vocabulary"
_LOCAL = {"local_files_only": True, "trust_remote_code": False}


def model_type(folder: Path) -> str:
    """Return the kind of model in a folder, as its config.json states it. Raises ValueError for a file that does not."""
    try:
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{folder / 'config.json'} does not state a model_type; expected a model of transformers"
        ) from error
    return str(kind)


def load_network(folder: Path, class_name: str) -> nn.Module:
    """Build a network of transformers from a folder, float32 and in evaluation mode.

    Raises:
        ValueError: transformers is not installed, or the files do not contain all tensors of the network.
    """
    network, report = _read(folder, class_name, use_safetensors=True, dtype=torch.float32, output_loading_info=True)
    if report["missing_keys"]:  # transformers would go on with random numbers
        some = ", ".join(sorted(report["missing_keys"])[:3])
        raise ValueError(
            f"{folder} lacks {len(report['missing_keys'])} tensors of {class_name}: {some} ...; download it again"
        )
    return network.eval().requires_grad_(False)


def load_tokenizer(folder: Path) -> Any:
    """Return the tokenizer in a folder. Raises ValueError as `load_network`."""
    return _read(folder, "AutoTokenizer")


def load_image_processor(folder: Path) -> Any:
    """Return what scales and normalises images for the network in a folder. Raises ValueError as `load_network`."""
    return _read(folder, "AutoImageProcessor")


def prepare_image(processor: Any, frame: Tensor) -> dict[str, Tensor]:
    """Return a network's inputs for a frame (3, H, W) in [0, 1]: `pixel_values` (1, 3, h, w), of some `pixel_mask`, on its device."""
    inputs = processor(images=frame, do_rescale=False, return_tensors="pt")
    return {name: value.to(frame.device) for name, value in inputs.items() if name in ("pixel_values", "pixel_mask")}


def half_on_gpu(device: torch.device) -> torch.autocast:
    """Return a context in which networks compute in half precision on a GPU, and as they are on a CPU."""
    return torch.autocast(device.type, dtype=torch.float16, enabled=device.type == "cuda")


def _read(folder: Path, class_name: str, **settings: Any) -> Any:
    try:
        import transformers

        kind = getattr(transformers, class_name)
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"{folder} needs the package transformers, with {class_name}: {install_command(EXTRA)}"
        ) from error
    # On first use torch remembers the functions that it sends to the meta device; transformers replaces one while it loads.
    with torch.device("meta"):
        torch.empty(0)
    try:
        return kind.from_pretrained(folder, **_LOCAL, **settings)
    except (SafetensorError, OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
        # An incomplete folder, or a file of another model.
        reason = " ".join(str(error).split())
        raise ValueError(
            f"{folder} cannot be read as {class_name} ({reason[:300]}); download the model again"
        ) from error
