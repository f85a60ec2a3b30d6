"""One safetensors file is a whole model: config, labels, weights, training command and scores. Nothing is unpickled."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from c3n_model.config import ModelConfig, from_mapping, to_mapping
from c3n_model.network.audio import build_audio_encoder
from c3n_model.network.c3n import C3N
from c3n_model.network.visual_encoder import VisualEncoder

METADATA_KEY = "c3n"
EMBEDDED = {"demo": Path(__file__).parent / "assets" / "demo.safetensors"}


@dataclass(frozen=True)
class Model:
    """A network and what is needed to use it. `card` holds what a reader wants to know: `note`, `command`, `scores`."""

    name: str
    network: nn.Module
    config: ModelConfig
    audio_labels: tuple[str, ...]
    visual_labels: tuple[str, ...]
    card: dict = field(default_factory=dict)

    @property
    def sample_rate(self) -> int:
        """Samples per second that the audio encoder hears."""
        return self.network.audio_encoder.sample_rate


def build_network(config: ModelConfig, similarity: Tensor) -> C3N:
    """C3N with random weights for (K_a, K_v) label similarities."""
    audio_classes, visual_classes = similarity.shape
    return C3N(
        visual_encoder=VisualEncoder(config.visual, visual_classes),
        audio_encoder=build_audio_encoder(config.audio, audio_classes),
        similarity=similarity,
        channels=config.channels,
        alpha=config.alpha,
        beta=config.beta,
        consensus=config.consensus,
        gate=config.gate,
        audio_features=config.audio_features,
        fusion_norm=config.fusion_norm,
    )


def save_model(path: Path, model: Model) -> None:
    """Write `model`; the file appears complete or not at all."""
    about = {
        "config": to_mapping(model.config),
        "audio_labels": model.audio_labels,
        "visual_labels": model.visual_labels,
        "card": model.card,
    }
    partial = path.with_suffix(".partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.contiguous() for name, tensor in model.network.state_dict().items()}
    save_file(tensors, partial, metadata={METADATA_KEY: json.dumps(about)})
    partial.rename(path)


def load_model(name_or_path: str | Path) -> Model:
    """A model by name ("demo", "zero_shot") or file, on the CPU and in eval mode.

    "zero_shot" takes its pretrained classifiers from the folder that the environment variable C3N_WEIGHTS names.

    Raises:
        FileNotFoundError: no such file. ValueError: not safetensors, cut short, not a C3N checkpoint, or weights that do
        not fit the config inside.
    """
    if name_or_path == "zero_shot":
        from c3n_model.zero_shot import load_zero_shot

        return load_zero_shot(Path(os.environ.get("C3N_WEIGHTS", "weights")))
    path = EMBEDDED.get(str(name_or_path), Path(name_or_path))
    if not path.is_file():
        raise FileNotFoundError(f"no model {str(name_or_path)!r}: neither a file nor one of demo, zero_shot")
    about, tensors = _read(path)
    config = from_mapping(ModelConfig, about["config"])
    if "similarity" not in tensors:
        raise ValueError(f"{path} has no label similarities; expected a file written by c3n train")
    network = build_network(config, tensors["similarity"])
    _fill(network, tensors, path)
    labels = (tuple(about["audio_labels"]), tuple(about["visual_labels"]))
    return Model(str(name_or_path), network.eval(), config, *labels, card=about.get("card", {}))


def _read(path: Path) -> tuple[dict, dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            about = (file.metadata() or {}).get(METADATA_KEY)
            if about is None:
                raise ValueError(
                    f"{path} is a safetensors file but no C3N checkpoint: it lacks the {METADATA_KEY!r} entry that "
                    "c3n train writes; bare backbone weights cannot be used as a model"
                )
            return json.loads(about), {name: file.get_tensor(name) for name in file.keys()}
    except SafetensorError as error:
        raise ValueError(
            f"{path} is not a complete safetensors file ({error}); copy it again. "
            "Pickled .pt / .pth checkpoints are never loaded as models"
        ) from error


def _fill(network: nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    expected = network.state_dict()
    missing, surplus = sorted(expected.keys() - tensors.keys()), sorted(tensors.keys() - expected.keys())
    wrong = [name for name in expected.keys() & tensors.keys() if expected[name].shape != tensors[name].shape]
    if missing or surplus or wrong:
        examples = ", ".join([*missing, *surplus, *sorted(wrong)][:3])
        raise ValueError(
            f"the weights in {path} do not fit the architecture its config names: {len(missing)} tensors missing, "
            f"{len(surplus)} unknown, {len(wrong)} of another shape (such as {examples}); it is of another version"
        )
    network.load_state_dict(tensors)


def choose_device(device: str) -> torch.device:
    """"auto" is CUDA where there is one, else the CPU. Raises ValueError for a device this machine has not."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.zeros(1, device=chosen)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"device {device!r} cannot be used here ({reason}); use auto, cpu or cuda") from error
    return chosen
