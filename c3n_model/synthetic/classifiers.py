"""Pretrained classifiers of the synthetic world, cached on disk. They take the place of ImageNet and AudioSet weights."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import DataLoader, IterableDataset

from c3n_model.config import ModelConfig, PretrainConfig, digest
from c3n_model.network.audio import build_audio_encoder
from c3n_model.network.visual_encoder import VisualEncoder
from c3n_model.progress import Progress
from c3n_model.synthetic import world
from c3n_model.synthetic.pretrain import Pictures, Snippets, pretrain_audio, pretrain_visual
from c3n_model.weights.tensors import read_described, save_tensors

_KEY = "c3n_classifier"
_BATCH_SIZE = 48
_STATISTICS_BATCHES, _TEST_BATCHES = 20, 10
_STATISTICS_SEED, _TEST_SEED = 1, 2  # added to the pretraining's seed, so that the examples are new


def read_classifier(
    part: str, model: ModelConfig, config: PretrainConfig, folder: Path, progress: Progress
) -> tuple[dict, dict[str, Tensor]]:
    """Read the "visual" or "audio" encoder (`part`) of `model` from `folder`; pretrain it first if it is not there.

    Returns its description, with the final `loss` and the `accuracy` on new examples (images of single objects), and its
    tensors.
    """
    name = getattr(model, part)
    steps = {"visual": config.visual_steps, "audio": config.audio_steps}[part]
    training = {
        "steps": steps,
        "batch_size": config.batch_size,
        "learning_rate": config.learning_rate,
        "seed": config.seed,
    }
    about = {"encoder": name, **training}
    if part == "visual":
        about |= {"image_size": model.image_size, "precision": config.visual_precision, "alone": config.visual_alone}
    path = folder / f"classifier_{name}_{digest(about)}.safetensors"
    if not path.is_file():
        encoder, loss = _pretrain(part, name, model.image_size, config, progress)
        recompute_norms(encoder, _examples(part, encoder, model.image_size, config.seed + _STATISTICS_SEED), steps)
        correct = accuracy(
            encoder, _examples(part, encoder, model.image_size, config.seed + _TEST_SEED, alone=True), steps
        )
        save_tensors(path, encoder.state_dict(), {_KEY: {**about, "loss": loss, "accuracy": correct}})
    return read_described(path, _KEY, "classifier of the synthetic world")


def _pretrain(
    part: str, name: str, image_size: int, config: PretrainConfig, progress: Progress
) -> tuple[nn.Module, float]:
    torch.manual_seed(config.seed)
    if part == "visual":
        encoder = VisualEncoder(name, len(world.VISUAL_LABELS), image_size=image_size)
        return encoder, pretrain_visual(encoder, image_size, config, progress, workers=0)
    encoder = build_audio_encoder(name, len(world.AUDIO_LABELS))
    return encoder, pretrain_audio(encoder, config, progress, workers=0)


def _examples(part: str, encoder: nn.Module, image_size: int, seed: int, *, alone: bool = False) -> IterableDataset:
    return Pictures(image_size, seed, alone=alone) if part == "visual" else Snippets(encoder.sample_rate, seed)


@torch.no_grad()
def recompute_norms(encoder: nn.Module, examples: IterableDataset, batches: int = _STATISTICS_BATCHES) -> None:
    """Recompute the batch norm statistics of `encoder` as plain means over at most 20 new batches.

    The running means change slowly if their momentum is small (0.01 in EfficientAT), so after a short training they still
    contain the initial values.
    """
    norms = [module for module in encoder.modules() if isinstance(module, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # torch then computes a plain mean
    encoder.train()
    for batch, _ in islice(DataLoader(examples, _BATCH_SIZE), min(batches, _STATISTICS_BATCHES)):
        encoder(batch)
    encoder.eval()
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


@torch.no_grad()
def accuracy(encoder: nn.Module, examples: IterableDataset, batches: int = _TEST_BATCHES) -> float:
    """Return the fraction of examples whose most probable class is the label, or one of the labels."""
    correct = []
    for batch, target in islice(DataLoader(examples, _BATCH_SIZE), min(batches, _TEST_BATCHES)):
        best = encoder(batch)[1].argmax(dim=1)
        correct.append(best == target if target.ndim == 1 else target.gather(1, best[:, None])[:, 0] > 0)
    return float(np.mean(torch.cat(correct).numpy()))
