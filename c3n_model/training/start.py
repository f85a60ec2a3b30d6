"""Where training starts from: C3N whose encoders are pretrained and whose other parts are random."""

from __future__ import annotations

from pathlib import Path

import torch

from c3n_model.config import ModelConfig
from c3n_model.labels.names import audioset_names, check_public_labels
from c3n_model.labels.table import LabelTable
from c3n_model.model import Model
from c3n_model.weights.checkpoint import build_network, load_checkpoint
from c3n_model.weights.manifest import checksum_of, find
from c3n_model.weights.pretrained import load_audio, load_visual


def from_public(name: str, config: ModelConfig, labels: Path, seed: int) -> Model:
    """Encoders with public ImageNet and AudioSet weights, classes from the label table `labels`; the rest is random by
    `seed`. The card says which labels and weights.

    Raises:
        FileNotFoundError: a file is not here; the message says how to get it. ValueError: a label table of other classes, a
        broken file, or encoders that no public weights are known for.
    """
    torch.manual_seed(seed)
    table = LabelTable.load(labels)
    check_public_labels(table.audio_labels, table.visual_labels, audioset_names(find("audioset_classes")))
    network = build_network(config, table.similarity)
    files = [*load_visual(network.visual_encoder, config.visual), *load_audio(network.audio_encoder, config.audio)]
    card = {
        "labels": table.provenance,
        "weights": {path.name: f"sha256:{checksum_of(path)}" for path in files},
    }
    return Model(name, network, config, table.audio_labels, table.visual_labels, card)


def from_classifiers(name: str, config: ModelConfig, classifiers: Path, seed: int) -> Model:
    """The encoders, labels and card of a file that c3n pretrain wrote; the rest is random by `seed`.

    Raises:
        FileNotFoundError: no such file. ValueError: it is broken, or holds other encoders.
    """
    torch.manual_seed(seed)
    start = load_checkpoint(classifiers)
    for part in ("visual", "audio"):
        wanted, got = getattr(config, part), getattr(start.config, part)
        if wanted != got:
            raise ValueError(f"the config names the {part} encoder {wanted}, but {classifiers} holds {got}")
    visual_input = start.network.visual_encoder.input_statistics
    network = build_network(config, start.network.similarity, visual_input)
    for part in ("visual_encoder", "audio_encoder"):
        getattr(network, part).load_state_dict(getattr(start.network, part).state_dict())
    return Model(name, network, config, start.audio_labels, start.visual_labels, dict(start.card))
