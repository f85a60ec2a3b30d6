"""Initial models for training: C3N with pretrained encoders and random other parts."""

from __future__ import annotations

from pathlib import Path

import torch

from c3n_model.config import ModelConfig
from c3n_model.labels.names import IMAGENET_CLASSES, audioset_names, check_public_labels, imagenet_names
from c3n_model.labels.similarity_table import LabelTable
from c3n_model.labels.source_table import SOURCES, build_source_table
from c3n_model.model import Model
from c3n_model.network.visual_encoder import VisualEncoder
from c3n_model.training.visual_head import VisualHead
from c3n_model.weights.checkpoint import build_network, load_checkpoint
from c3n_model.weights.manifest import checksum_of, find
from c3n_model.weights.pretrained import find_class_places, load_audio, load_visual, weights_at_hand
from c3n_model.weights.tensors import load_weights


def from_public(name: str, config: ModelConfig, labels: Path | str, seed: int, head: Path | None = None) -> Model:
    """Build C3N with public ImageNet and AudioSet encoders; the rest is random, by `seed`.

    `labels` is a file of a label table, or `source_table.SOURCES` for the table of sound sources. `head` is a file of c3n
    train-visual-head, whose classes replace ImageNet's. The card records the labels and weights.

    Raises:
        FileNotFoundError: a missing file; the message says how to get it.
        ValueError: a label table of other classes, a damaged file, a head of another backbone, encoders without public
        weights, or an `audio_order` that the audio encoder does not have.
    """
    weights = weights_at_hand(config.visual)
    trained = VisualHead.load(head) if head is not None else None
    sounds = audioset_names(find("audioset_classes"))
    if trained is not None and trained.backbone != weights:
        raise ValueError(
            f"{head} was fitted to features of {trained.backbone}, the config has {weights}; fit another one"
        )
    seen = imagenet_names() if trained is None else list(trained.labels)
    table = build_source_table(sounds, seen) if labels == SOURCES else LabelTable.load(Path(labels))
    if trained is not None and list(table.visual_labels) != seen:
        raise ValueError(
            f"{labels} has other visual labels than {head}; use --labels {SOURCES}, or build a table of them"
        )
    check_public_labels(table.audio_labels, table.visual_labels[:IMAGENET_CLASSES], sounds)
    public = None
    if trained is not None or weights != config.visual:
        public = VisualEncoder(
            weights, IMAGENET_CLASSES, image_size=config.image_size, cam_point=config.cam_point, swin=config.swin
        )
    torch.manual_seed(seed)
    network = build_network(config, table.similarity, public.input_statistics if public is not None else None)
    if network.place_in_checkpoint is not None:
        network.place_in_checkpoint.copy_(find_class_places(config.audio))
    if trained is None or public is None:
        files = load_visual(network.visual_encoder, weights)
    else:
        files = load_visual(public, weights)
        _transplant(public, network.visual_encoder, trained)
    files += load_audio(network.audio_encoder, config.audio)
    card = {
        "labels": table.provenance,
        "weights": {path.name: f"sha256:{checksum_of(path)}" for path in files},
    }
    if trained is not None:
        card["visual_head"] = trained.card
    return Model(name, network, config, table.audio_labels, table.visual_labels, card)


def _transplant(public: VisualEncoder, encoder: VisualEncoder, trained: VisualHead) -> None:
    """Copy a backbone's weights, and put the trained head in the place of its classifier."""
    own = {id(parameter) for parameter in public.head().parameters()}
    classifier = {name for name, parameter in public.named_parameters() if id(parameter) in own}
    rest = {name: value for name, value in public.state_dict().items() if name not in classifier}
    encoder.load_state_dict(rest, strict=False)
    encoder.head().load_state_dict({"weight": trained.weight, "bias": trained.bias})


def from_model(name: str, config: ModelConfig, start: Path, seed: int) -> Model:
    """Build C3N with all weights, labels and the card of a trained model, to train it further.

    Settings of the config that have no weights, such as alpha or the thresholds, may differ from the model's. What was fitted to
    its masks (`network.mask_quality`) is left out.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is damaged, or its weights do not fit the config.
    """
    torch.manual_seed(seed)
    former = load_checkpoint(start)
    for part in ("visual", "audio"):
        expected, got = getattr(config, part), getattr(former.config, part)
        if expected != got:
            raise ValueError(f"{start} has the {part} encoder {got}, expected {expected} as in the config")
    network = build_network(config, former.network.similarity, former.network.visual_encoder.input_statistics)
    former.network.mask_quality = None  # it judges the masks of before
    load_weights(network, former.network.state_dict(), start)
    card = {key: value for key, value in former.card.items() if key not in ("scores", "history", "presence")}
    return Model(name, network, config, former.audio_labels, former.visual_labels, card)


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
