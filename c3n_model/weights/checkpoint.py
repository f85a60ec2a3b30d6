"""C3N checkpoints: one safetensors file with config, labels, weights, training command and scores. Nothing is unpickled."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from c3n_model.config import ModelConfig, from_mapping, to_mapping
from c3n_model.model import Model
from c3n_model.network.audio import build_audio_encoder
from c3n_model.network.c3n import C3N
from c3n_model.network.mask_quality import MaskQuality
from c3n_model.network.visual_encoder import VisualEncoder
from c3n_model.weights.tensors import load_weights, read_described, save_tensors

METADATA_KEY = "c3n"


def build_network(config: ModelConfig, similarity: Tensor, visual_input: Mapping[str, Any] | None = None) -> C3N:
    """Build C3N with random weights, given the (K_a, K_v) label similarities.

    `visual_input` is `VisualEncoder.input_statistics` of the weights to be loaded, None for those of `config.visual`. Raises
    ValueError as `C3N` does, or if `visual_input` does not fit the encoder.
    """
    if config.audio_order == "checkpoint" and config.audio != "beats":
        raise ValueError(
            f"audio_order: checkpoint is for beats, whose file has an own order; {config.audio} has AudioSet's"
        )
    audio_classes, visual_classes = similarity.shape
    return C3N(
        visual_encoder=_visual_encoder(config, visual_classes, visual_input),
        audio_encoder=build_audio_encoder(config.audio, audio_classes),
        similarity=similarity,
        channels=config.channels,
        alpha=config.alpha,
        beta=config.beta,
        audio_scores=config.audio_scores,
        audio_order=config.audio_order,
        consensus=config.consensus,
        gate=config.gate,
        gate_strength=config.gate_strength,
        audio_features=config.audio_features,
        pyramid=config.pyramid,
        fusion_norm=config.fusion_norm,
        decoder=config.decoder,
    )


def _visual_encoder(config: ModelConfig, classes: int, visual_input: Mapping[str, Any] | None) -> VisualEncoder:
    def build(**create_arguments: str) -> VisualEncoder:
        return VisualEncoder(
            config.visual,
            classes,
            image_size=config.image_size,
            cam_point=config.cam_point,
            swin=config.swin,
            create_arguments=create_arguments,
        )

    encoder = build()
    if visual_input is None or visual_input == encoder.input_statistics:
        return encoder
    statistics = {name: _three_numbers(visual_input[name], name) for name in ("mean", "std")}
    padding = visual_input["padding"]
    if padding != encoder.input_statistics["padding"]:
        encoder = build(pad_type={"same": "same", "symmetric": ""}.get(padding, padding))
        if encoder.input_statistics["padding"] != padding:
            raise ValueError(
                f"visual encoder {config.visual} does not support the padding {padding!r} of the checkpoint"
            )
    encoder.set_normalisation(mean=statistics["mean"], std=statistics["std"])
    return encoder


def _three_numbers(values: Any, name: str) -> tuple[float, ...]:
    """Return the pixel statistics of a description. Raises ValueError unless they are three finite numbers."""
    numbers = tuple(map(float, values))
    if len(numbers) != 3 or not all(map(math.isfinite, numbers)) or (name == "std" and min(numbers) <= 0):
        raise ValueError(f"expected three finite numbers as {name} of the pixels, above 0 for std, got {numbers}")
    return numbers


def save_model(path: Path, model: Model) -> None:
    """Write `model` with its padding and pixel statistics to `path` atomically.

    Raises ValueError for a zero-shot model, which is built from pretrained files, and OSError if `path` cannot be written.
    """
    if not isinstance(model.config, ModelConfig):
        raise ValueError(
            f"{model.name} is not a C3N and cannot be saved as a checkpoint: load_model builds it from pretrained files"
        )
    description = {
        "config": to_mapping(model.config),
        "visual_input": model.network.visual_encoder.input_statistics,
        "audio_labels": model.audio_labels,
        "visual_labels": model.visual_labels,
        "card": model.card,
    }
    save_tensors(path, model.network.state_dict(), {METADATA_KEY: description})


def load_checkpoint(path: Path) -> Model:
    """Load a model written by `save_model`, on the CPU and in eval mode.

    A file without padding and pixel statistics, as older ones are, is loaded with those of timm; the note in its card says so.

    Raises:
        FileNotFoundError: no such file. ValueError: not safetensors, truncated, not a C3N checkpoint, weights that do not
        fit the config in the file, or weights that are NaN or infinite.
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
        visual_input = description.get("visual_input")
        network = build_network(config, tensors["similarity"], visual_input)
        network.mask_quality = MaskQuality() if "mask_quality.weight" in tensors else None
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"invalid C3N checkpoint {path}: {error}; expected a file written by c3n train") from error
    load_weights(network, tensors, path)
    card = description.get("card", {})
    if visual_input is None:
        assumed = (
            f"{path.name} contains neither padding nor pixel statistics: those of timm's {config.visual} are assumed."
        )
        card = {**card, "note": f"{card.get('note', '')} {assumed}".strip()}
    return Model(path.stem, network.eval(), config, *labels, card=card)
