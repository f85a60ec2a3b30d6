"""Train C3N on clips: one ordinary loop (section IV-A of the paper, Eq. 16)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import ConcatDataset, DataLoader, Dataset
from torchvision.transforms.v2 import ColorJitter

from c3n_model.config import TrainConfig
from c3n_model.losses import segmentation_loss
from c3n_model.model import Model
from c3n_model.preprocess import frames_to_tensor
from c3n_model.progress import Progress
from c3n_model.types import Clip

Batch = tuple[Tensor, Tensor, Tensor, Tensor]


class TrainingClips(Dataset):
    """Clips as tensors: frames (T, 3, S, S), snippets (T, samples), masks (T, S, S), has_mask (T,); augmented as in the
    paper by a flip of the whole clip and a colour jitter of each frame."""

    def __init__(self, clips: Dataset, image_size: int, config: TrainConfig):
        self.clips, self.image_size, self.flip = clips, image_size, config.flip
        self.jitter = ColorJitter(0.4, 0.4, 0.4, 0.1) if config.color_jitter else None

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> Batch:
        clip: Clip = self.clips[index]
        frames = frames_to_tensor(clip.frames, self.image_size)
        masks = torch.from_numpy(clip.masks)[:, None].float()
        masks = nn.functional.interpolate(masks, size=(self.image_size, self.image_size), mode="nearest")[:, 0]
        if self.jitter is not None:
            frames = torch.stack([self.jitter(frame) for frame in frames])
        if self.flip and torch.rand(()) < 0.5:
            frames, masks = frames.flip(-1), masks.flip(-1)
        return frames, torch.from_numpy(clip.snippets), masks, torch.from_numpy(clip.has_mask)


def train(
    model: Model, datasets: list[Dataset], config: TrainConfig, device: torch.device,
    *, validate: Callable[[], float], keep: Callable[[list[dict]], None], progress: Progress,
    workers: int = 1,
) -> None:  # fmt: skip
    """Train in place, and call `keep(history)` after each epoch whose `validate()` is the best so far.

    The audio encoder and both classification heads are frozen, and so are batch statistics of the visual backbone: the
    confidences of C3IM keep the calibration they were pretrained with.

    `history` has one row an epoch: epoch, loss, validation.

    Raises:
        ValueError: no epoch, or clips that do not fill one batch; a loss or a validation score that is not finite.
    """
    if config.epochs < 1:
        raise ValueError(f"train.epochs is {config.epochs}; expected at least 1, else nothing is trained or kept")
    torch.manual_seed(config.seed)
    clips = TrainingClips(ConcatDataset(datasets), model.config.image_size, config)
    loader = DataLoader(
        clips, config.batch_size, shuffle=True, drop_last=True, num_workers=workers, persistent_workers=workers > 0
    )
    if len(loader) == 0:
        raise ValueError(
            f"{len(clips)} training clips do not fill one batch of {config.batch_size}; lower train.batch_size"
        )
    network = model.network.to(device)
    optimiser = make_optimiser(network, config)
    schedule = make_schedule(optimiser, config, steps=config.epochs * len(loader))
    history: list[dict[str, float]] = []
    for epoch in range(1, config.epochs + 1):
        set_training_mode(network)
        losses = [
            train_step(network, batch, optimiser, schedule, device)
            for batch in progress(loader, f"epoch {epoch}/{config.epochs}")
        ]
        network.eval()
        history.append({"epoch": epoch, "loss": float(np.mean(losses)), "validation": validate()})
        if not math.isfinite(history[-1]["validation"]):
            raise ValueError(
                f"the validation score of epoch {epoch} is {history[-1]['validation']}; expected a finite number: "
                "are there clips in the split val?"
            )
        if history[-1]["validation"] >= max(row["validation"] for row in history):
            keep(history)


def train_step(network: nn.Module, batch: Batch, optimiser, schedule, device: torch.device) -> float:
    """One update; returns the loss. Only frames that carry a mask are decoded (S4: the first of five).

    Raises ValueError for a loss that is not finite, before anything is updated by it.
    """
    frames, snippets, masks, has_mask = (part.to(device, non_blocking=True) for part in batch)
    encoding = network.encode(frames.flatten(0, 1), snippets.flatten(0, 1))
    loss = segmentation_loss(network.decode(encoding, has_mask).logits, masks[has_mask])
    value = loss.item()
    if not math.isfinite(value):
        rates = " and ".join(f"{rate:.3g}" for rate in schedule.get_last_lr())
        raise ValueError(
            f"the loss is {value} after {schedule.last_epoch} steps, at the learning rates {rates} (backbone, the rest): "
            "training has diverged; lower train.learning_rate and train.backbone_learning_rate"
        )
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()
    schedule.step()
    return value


def make_optimiser(network: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """Adam with a learning rate of its own for the visual backbone; frozen parameters are left out."""
    network.audio_encoder.requires_grad_(False)
    backbone = [parameter for parameter in network.visual_encoder.parameters() if parameter.requires_grad]
    known = {id(parameter) for parameter in backbone}
    rest = [p for p in network.parameters() if p.requires_grad and id(p) not in known]
    groups = [{"params": backbone, "lr": config.backbone_learning_rate}, {"params": rest, "lr": config.learning_rate}]
    return torch.optim.Adam(groups)


def make_schedule(optimiser: torch.optim.Optimizer, config: TrainConfig, *, steps: int):
    """Constant, or a cosine from the given rates down to a hundredth of them. Raises ValueError for another name."""
    if config.schedule not in ("constant", "cosine"):
        raise ValueError(f"schedule is {config.schedule!r}; expected constant or cosine")

    def factor(step: int) -> float:
        return 1.0 if config.schedule == "constant" else 0.01 + 0.495 * (1 + np.cos(np.pi * min(step / steps, 1)))

    return torch.optim.lr_scheduler.LambdaLR(optimiser, factor)


def set_training_mode(network: nn.Module) -> None:
    """Train mode, except for the frozen audio encoder and the visual backbone's batch statistics."""
    network.train()
    network.audio_encoder.eval()
    for module in network.visual_encoder.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
