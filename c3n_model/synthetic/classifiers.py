"""Classifiers of the synthetic world, each pretrained once and kept: what ImageNet's and AudioSet's weights are for AVSBench."""

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
_SETTLING_BATCHES, _TEST_BATCHES = 20, 10
_SETTLING_SEED, _TEST_SEED = 1, 2  # added to that of the pretraining: fresh examples


def read_classifier(
    part: str, model: ModelConfig, config: PretrainConfig, folder: Path, progress: Progress
) -> tuple[dict, dict[str, Tensor]]:
    """The "visual" or the "audio" encoder of `model`, and what is known of it: `loss` at the end, `accuracy` on fresh
    examples (pictures of single objects). It is pretrained first if `folder` does not have it."""
    name = getattr(model, part)
    steps = {"visual": config.visual_steps, "audio": config.audio_steps}[part]
    how = {"steps": steps, "batch_size": config.batch_size, "learning_rate": config.learning_rate, "seed": config.seed}
    about = {"encoder": name, **how}
    if part == "visual":
        about |= {"image_size": model.image_size, "precision": config.visual_precision, "alone": config.visual_alone}
    path = folder / f"classifier_{name}_{digest(about)}.safetensors"
    if not path.is_file():
        encoder, loss = _pretrain(part, name, model.image_size, config, progress)
        settle_statistics(encoder, _examples(part, encoder, model.image_size, config.seed + _SETTLING_SEED), steps)
        right = accuracy(
            encoder, _examples(part, encoder, model.image_size, config.seed + _TEST_SEED, alone=True), steps
        )
        save_tensors(path, encoder.state_dict(), {_KEY: {**about, "loss": loss, "accuracy": right}})
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
def settle_statistics(encoder: nn.Module, examples: IterableDataset, batches: int = _SETTLING_BATCHES) -> None:
    """Batch norms of `encoder` get the plain mean of their statistics over fresh batches, at most 20. The running mean that
    training leaves is slow where its momentum is small (EfficientAT's: a hundredth), and a short training ends before it
    has forgotten the start."""
    norms = [module for module in encoder.modules() if isinstance(module, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # torch's word for a plain mean
    encoder.train()
    for batch, _ in islice(DataLoader(examples, _BATCH_SIZE), min(batches, _SETTLING_BATCHES)):
        encoder(batch)
    encoder.eval()
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


@torch.no_grad()
def accuracy(encoder: nn.Module, examples: IterableDataset, batches: int = _TEST_BATCHES) -> float:
    """Fraction of examples whose likeliest class is the label, or one of several."""
    right = []
    for batch, target in islice(DataLoader(examples, _BATCH_SIZE), min(batches, _TEST_BATCHES)):
        best = encoder(batch)[1].argmax(dim=1)
        right.append(best == target if target.ndim == 1 else target.gather(1, best[:, None])[:, 0] > 0)
    return float(np.mean(torch.cat(right).numpy()))
