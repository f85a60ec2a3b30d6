"""C3N checkpoints: one safetensors file with config, labels, weights, training command and scores. Nothing is unpickled."""

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
    """Build C3N with random weights, given the (K_a, K_v) label similarities. Raises ValueError as `C3N` does."""
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
    """Write `model` to `path` atomically.

    Raises ValueError for a zero-shot model, which is built from pretrained files, and OSError if `path` cannot be written.
    """
    if not isinstance(model.config, ModelConfig):
        raise ValueError(f"{model.name} is not a C3N and has no checkpoint: load_model builds it from pretrained files")
    description = {
        "config": to_mapping(model.config),
        "audio_labels": model.audio_labels,
        "visual_labels": model.visual_labels,
        "card": model.card,
    }
    save_tensors(path, model.network.state_dict(), {METADATA_KEY: description})


def load_checkpoint(path: Path) -> Model:
    """Load a model written by `save_model`, on the CPU and in eval mode.

    Raises:
        FileNotFoundError: no such file. ValueError: not safetensors, truncated, not a C3N checkpoint, or weights that do not
        fit the config in the file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no such checkpoint: {path}")
    description, tensors = read_described(path, METADATA_KEY, "C3N checkpoint")
    try:
        config = from_mapping(ModelConfig, description["config"])
        labels = (tuple(description["audio_labels"]), tuple(description["visual_labels"]))
        expected, got = tuple(map(len, labels)), tuple(tensors["similarity"].shape)
        if got != expected:
            raise ValueError(f"expected similarities of shape {expected} (its labels), got {got}")
        network = build_network(config, tensors["similarity"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"invalid C3N checkpoint {path}: {error}; expected a file written by c3n train") from error
    fill(network, tensors, path)
    return Model(path.stem, network.eval(), config, *labels, card=description.get("card", {}))
