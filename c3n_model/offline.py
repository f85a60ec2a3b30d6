"""The offline commands of `c3n`: make scenes, pretrain, train, evaluate. Each is called once by the CLI and returns text."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
import yaml

from c3n_model.checkpoint import build_network, load_checkpoint, save_model
from c3n_model.config import ModelConfig, TrainConfig, from_mapping, to_mapping
from c3n_model.data import synthetic_world as world
from c3n_model.data.avsbench import SETTINGS, AVSBench, setting_root
from c3n_model.data.synthesize import synthesize
from c3n_model.evaluate import evaluate
from c3n_model.loading import load_model
from c3n_model.model import Model, choose_device
from c3n_model.network.consensus import label_similarity
from c3n_model.pretrain import PretrainConfig, pretrain_audio, pretrain_visual
from c3n_model.progress import bar
from c3n_model.train import train

DEMO_NOTE = (
    "Trained on synthetic scenes of eight made-up objects. It proves that every part works; "
    "it is no model of the world and knows no real object."
)


def make_scenes(root: Path, settings: list[str], counts: dict[str, int], seed: int) -> str:
    """`c3n synthesize`."""
    folders = [synthesize(root, setting, counts, seed, bar) for setting in settings]
    return "\n".join(f"wrote {folder}" for folder in folders)


def pretrain_classifiers(config_file: Path, out: Path, command: str) -> str:
    """`c3n pretrain`: both classifiers of the synthetic world, in a network whose rest is still random."""
    model_config, pretrain_config, _ = read_config(config_file)
    audio, visual = (torch.from_numpy(table) for table in world.label_embeddings())
    torch.manual_seed(pretrain_config.seed)
    network = build_network(model_config, label_similarity(audio, visual))
    network.requires_grad_(True)  # the heads, too, until they are trained
    losses = {
        "audio": pretrain_audio(network.audio_encoder, pretrain_config, bar),
        "visual": pretrain_visual(network.visual_encoder, model_config.image_size, pretrain_config, bar),
    }
    card = {"note": DEMO_NOTE, "commands": [command], "pretrain": to_mapping(pretrain_config), "losses": losses}
    save_model(out, Model(out.stem, network, model_config, world.AUDIO_LABELS, world.VISUAL_LABELS, card))
    return f"wrote {out}: mean loss at the end {losses}"


def train_model(config_file: Path, classifiers: Path, roots: list[Path], out: Path, device: str, command: str) -> str:
    """`c3n train`: the best epoch on the validation splits, scored on the test splits."""
    model_config, _, train_config = read_config(config_file)
    start = load_model(classifiers)
    for part in ("visual", "audio"):
        wanted, got = getattr(model_config, part), getattr(start.config, part)
        if wanted != got:
            raise ValueError(f"{config_file} names the {part} encoder {wanted}, but {classifiers} holds {got}")
    network = build_network(model_config, start.network.similarity)
    for part in ("visual_encoder", "audio_encoder"):
        getattr(network, part).load_state_dict(getattr(start.network, part).state_dict())
    card = {**start.card, "commands": [*start.card.get("commands", []), command], "train": to_mapping(train_config)}
    model = Model(out.stem, network, model_config, start.audio_labels, start.visual_labels, card)
    chosen, splits = choose_device(device), _splits(roots, model.sample_rate)

    def validate() -> float:
        return float(np.mean([evaluate(model, clips, chosen, bar)["miou"] for clips in splits["val"]]))

    def keep(history: list[dict]) -> None:
        card["history"] = list(history)
        save_model(out, model)

    train(model, splits["train"], train_config, chosen, validate=validate, keep=keep, progress=bar)
    best = load_checkpoint(out)
    best.card["scores"] = {clips.setting: evaluate(best, clips, chosen, bar) for clips in splits["test"]}
    save_model(out, best)
    return f"wrote {out}: {json.dumps(best.card['scores'], indent=2)}"


def evaluate_model(name_or_path: str, root: Path, split: str, device: str) -> str:
    """`c3n evaluate`: JSON of the scores of every setting found below `root`."""
    model = load_model(name_or_path)
    clips = [AVSBench(root, setting, split, model.sample_rate) for setting in _settings(root)]
    scores = {part.setting: evaluate(model, part, choose_device(device), bar) for part in clips}
    return json.dumps({"model": name_or_path, "split": split, "scores": scores}, indent=2)


def read_config(path: Path) -> tuple[ModelConfig, PretrainConfig, TrainConfig]:
    """The three sections `model`, `pretrain` and `train` of a YAML file. Raises ValueError for an unknown section or key."""
    try:
        sections = yaml.safe_load(path.read_text()) or {}
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(sections, dict):
        raise ValueError(f"{path} must hold the sections model, pretrain and train, got a {type(sections).__name__}")
    kinds = {"model": ModelConfig, "pretrain": PretrainConfig, "train": TrainConfig}
    unknown = sorted(sections.keys() - kinds.keys())
    if unknown:
        raise ValueError(f"{path} has the unknown section {unknown[0]!r}; expected {', '.join(kinds)}")
    return tuple(from_mapping(kind, sections.get(name) or {}) for name, kind in kinds.items())


def _settings(root: Path) -> list[str]:
    """The settings whose csv lies below `root`. Raises FileNotFoundError, with the remedy, if there is none."""
    found = []
    for setting in SETTINGS:
        with suppress(FileNotFoundError):
            setting_root(root, setting)
            found.append(setting)
    if not found:
        setting_root(root, next(iter(SETTINGS)))
    return found


def _splits(roots: list[Path], sample_rate: int) -> dict[str, list[AVSBench]]:
    return {
        split: [AVSBench(root, setting, split, sample_rate) for root in roots for setting in _settings(root)]
        for split in ("train", "val", "test")
    }
