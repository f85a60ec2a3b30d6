"""Initial models for training: C3N with pretrained encoders and random other parts."""

from __future__ import annotations

from pathlib import Path

import torch

from c3n_model.config import ModelConfig
from c3n_model.labels.names import audioset_names, check_public_labels
from c3n_model.labels.similarity_table import LabelTable
from c3n_model.model import Model
from c3n_model.weights.checkpoint import build_network, load_checkpoint
from c3n_model.weights.manifest import checksum_of, find
from c3n_model.weights.pretrained import find_class_places, load_audio, load_visual


def from_public(name: str, config: ModelConfig, labels: Path, seed: int) -> Model:
    """Build C3N with public ImageNet and AudioSet encoders and the label table `labels`; the rest is random, by `seed`.

    The card records the labels and weights.

    Raises:
        FileNotFoundError: a missing file; the message says how to get it.
        ValueError: a label table of other classes, a damaged file, encoders without public weights, or an `audio_order` that
        the audio encoder does not have.
    """
    torch.manual_seed(seed)
    table = LabelTable.load(labels)
    check_public_labels(table.audio_labels, table.visual_labels, audioset_names(find("audioset_classes")))
    network = build_network(config, table.similarity)
    if network.place_in_checkpoint is not None:
        network.place_in_checkpoint.copy_(find_class_places(config.audio))
    files = [*load_visual(network.visual_encoder, config.visual), *load_audio(network.audio_encoder, config.audio)]
    card = {
        "labels": table.provenance,
        "weights": {path.name: f"sha256:{checksum_of(path)}" for path in files},
    }
    return Model(name, network, config, table.audio_labels, table.visual_labels, card)


def from_classifiers(name: str, config: ModelConfig, classifiers: Path, seed: int) -> Model:
    """Build C3N with the encoders, labels and card of a file written by c3n pretrain; the rest is random, by `seed`.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is damaged or contains other encoders.
    """
    torch.manual_seed(seed)
    start = load_checkpoint(classifiers)
    for part in ("visual", "audio"):
        expected, got = getattr(config, part), getattr(start.config, part)
        if expected != got:
            raise ValueError(
                f"{classifiers} contains the {part} encoder {got}, expected {expected} as in the config; "
                "run c3n pretrain with this config"
            )
    visual_input = start.network.visual_encoder.input_statistics
    network = build_network(config, start.network.similarity, visual_input)
    for part in ("visual_encoder", "audio_encoder"):
        getattr(network, part).load_state_dict(getattr(start.network, part).state_dict())
    return Model(name, network, config, start.audio_labels, start.visual_labels, dict(start.card))
