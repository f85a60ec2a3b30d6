"""One safetensors file is a whole model: config, labels, weights, training command and scores. Nothing is unpickled."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from c3n_model.config import ModelConfig, from_mapping, to_mapping
from c3n_model.model import Model
from c3n_model.network.audio import build_audio_encoder
from c3n_model.network.c3n import C3N
from c3n_model.network.visual_encoder import VisualEncoder
from c3n_model.weights.tensors import fill, read_described, save_tensors

METADATA_KEY = "c3n"


def build_network(config: ModelConfig, similarity: Tensor) -> C3N:
    """C3N with random weights for (K_a, K_v) label similarities."""
    audio_classes, visual_classes = similarity.shape
    return C3N(
        visual_encoder=VisualEncoder(
            config.visual, visual_classes, image_size=config.image_size, cam_point=config.cam_point, swin=config.swin
        ),
        audio_encoder=build_audio_encoder(config.audio, audio_classes),
        similarity=similarity,
        channels=config.channels,
        alpha=config.alpha,
        beta=config.beta,
        consensus=config.consensus,
        gate=config.gate,
        gate_strength=config.gate_strength,
        audio_features=config.audio_features,
        pyramid=config.pyramid,
        fusion_norm=config.fusion_norm,
        decoder=config.decoder,
    )


def save_model(path: Path, model: Model) -> None:
    """Write `model`; the file appears complete or not at all.

    Raises ValueError for a zero-shot model, which is made of its own files, and OSError where `path` cannot be written.
    """
    if not isinstance(model.config, ModelConfig):
        raise ValueError(f"{model.name} is not a C3N and has no checkpoint: load_model makes it from its own files")
    about = {
        "config": to_mapping(model.config),
        "audio_labels": model.audio_labels,
        "visual_labels": model.visual_labels,
        "card": model.card,
    }
    save_tensors(path, model.network.state_dict(), {METADATA_KEY: about})


def load_checkpoint(path: Path) -> Model:
    """The model in a file that `save_model` wrote, on the CPU and in eval mode.

    Raises:
        FileNotFoundError: no such file. ValueError: not safetensors, cut short, not a C3N checkpoint, or weights that do
        not fit the config inside.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no such checkpoint: {path}")
    about, tensors = read_described(path, METADATA_KEY, "C3N checkpoint")
    try:
        config = from_mapping(ModelConfig, about["config"])
        labels = (tuple(about["audio_labels"]), tuple(about["visual_labels"]))
        expected, got = tuple(map(len, labels)), tuple(tensors["similarity"].shape)
        if got != expected:
            raise ValueError(f"its labels make the similarities {expected}, got {got}")
        network = build_network(config, tensors["similarity"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} is no usable C3N checkpoint: {error}; expected a file written by c3n train"
        ) from error
    fill(network, tensors, path)
    return Model(path.stem, network.eval(), config, *labels, card=about.get("card", {}))
