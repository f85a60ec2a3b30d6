"""The training loop of C3N (section IV-A of the paper, Eq. 16)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from c3n_model.config import TrainConfig
from c3n_model.progress import Progress
from c3n_model.training.clips import micro_batch_keys, updates_per_epoch
from c3n_model.training.distributed import SINGLE_PROCESS, Group
from c3n_model.training.optimisation import Optimisation
from c3n_model.training.state import TrainingState

Record = Callable[[str, float, int], None]  # name, value, updates


def train(
    network: nn.Module, clips: Dataset, config: TrainConfig, device: torch.device,
    *, validate: Callable[[], float], keep: Callable[[list[dict]], None], progress: Progress,
    state: TrainingState | None = None, record: Record = lambda name, value, updates: None,
    group: Group = SINGLE_PROCESS, workers: int = 1,
) -> list[dict]:  # fmt: skip
    """Train in place, and call `keep(history)` after each epoch with the best `validate()` so far.

    Only the main process calls `validate` and `keep`. Returns the history: one row per epoch, with epoch, loss, validation.

    `clips` are `TrainingClips` or `CachedFeatures`. The audio encoder, both classification heads and the batch statistics of
    the visual backbone are frozen, so that the confidences in C3IM keep the calibration of the pretraining. If `state` is
    given, training resumes from its file, and saves to it every `save_every` updates and after each epoch.

    Raises:
        ValueError: fewer clips than one batch; a loss or validation score that is not finite; the state of another
        training.
    """
    updates = updates_per_epoch(len(clips), config)
    optimisation = Optimisation(network.to(device), config, device, steps=config.epochs * updates, group=group)
    history: list[dict] = []
    losses: list[float] = []
    if state is not None:
        history, losses = state.restore(optimisation)
    keys = list(micro_batch_keys(len(clips), config, done=optimisation.updates, group=group))
    loader = DataLoader(clips, batch_sampler=keys, num_workers=workers, pin_memory=device.type == "cuda")
    micro_batches = iter(loader)
    while len(history) < config.epochs:
        epoch = len(history) + 1
        set_training_mode(network)
        remaining = range(optimisation.updates, epoch * updates)
        for _ in progress(remaining, f"epoch {epoch}/{config.epochs}"):
            losses.append(optimisation.update([next(micro_batches) for _ in range(config.accumulate)]))
            record("loss", losses[-1], optimisation.updates)
            if state is not None and group.is_main and optimisation.updates % config.save_every == 0:
                state.save(optimisation, history, losses)
        network.eval()
        score = group.from_main(validate() if group.is_main else 0.0, device)
        if not math.isfinite(score):
            raise ValueError(
                f"the validation score of epoch {epoch} is {score}; expected a finite number: "
                "check that the split val has clips"
            )
        history.append({"epoch": epoch, "loss": float(np.mean(losses)), "validation": score})
        losses = []
        record("validation mIoU", score, optimisation.updates)
        if group.is_main and score >= max(row["validation"] for row in history):
            keep(history)
        if state is not None and group.is_main:
            state.save(optimisation, history, losses)
    return history


def set_training_mode(network: nn.Module) -> None:
    """Set train mode, except for the audio encoder, a frozen visual backbone, and the batch statistics of any."""
    network.train()
    network.audio_encoder.eval()
    if not any(parameter.requires_grad for parameter in network.visual_encoder.parameters()):
        network.visual_encoder.eval()
    for module in network.visual_encoder.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
