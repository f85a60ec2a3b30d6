"""One update: the loss of a batch (Eq. 16) and a step of Adam, over one or several processes."""

from __future__ import annotations

import math
from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from c3n_model.config import TrainConfig
from c3n_model.training.distributed import ALONE, Group
from c3n_model.training.features import encoding_from
from c3n_model.training.losses import frame_losses


class Objective(nn.Module):
    """What is minimised, as one module for DistributedDataParallel: a batch of clips -> the loss of every frame that
    carries a mask, (M,). Only those are decoded (S4: the first of five)."""

    def __init__(self, network: nn.Module, precision: str):
        super().__init__()
        self.network, self.precision = network, precision

    def forward(self, *batch) -> Tensor:
        *inputs, masks, has_mask = batch
        with torch.autocast(masks.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            if len(inputs) == 2:  # frames and snippets; otherwise features that were kept
                perceived = self.network.perceive(*(part.flatten(0, 1) for part in inputs))
            else:
                perceived = encoding_from(inputs[0], tuple(masks.shape[2:]))
            logits = self.network.decode(self.network.embed(perceived), has_mask).logits
        return frame_losses(logits.float(), masks[has_mask])


class Optimisation:
    """A network, Adam and how many updates it has had."""

    def __init__(
        self, network: nn.Module, config: TrainConfig, device: torch.device, *, steps: int, group: Group = ALONE
    ):
        """`steps` is the number of updates that the schedule is laid out for."""
        self.config, self.device, self.steps, self.group = config, device, steps, group
        self.network = network.to(memory_format=torch.channels_last)  # what convolutions are fastest in
        self.optimiser = make_optimiser(network, config)
        self.updates = 0
        self._rates = [entry["lr"] for entry in self.optimiser.param_groups]
        self._objective: nn.Module = Objective(network, config.precision)
        if group.size > 1:
            if device.type == "cuda":
                self._objective = nn.SyncBatchNorm.convert_sync_batchnorm(self._objective)
            # What only the class logits pass through gets no gradient.
            self._objective = DistributedDataParallel(self._objective, find_unused_parameters=True)

    def update(self, parts: list) -> float:
        """One update by one batch, given in parts; returns the mean loss over its frames, in all processes.

        Raises ValueError for a loss that is not finite, before anything is updated by it.
        """
        factor = rate_factor(self.config, self.updates, self.steps)
        for entry, rate in zip(self.optimiser.param_groups, self._rates, strict=True):
            entry["lr"] = rate * factor
        torch.manual_seed(self.config.seed * 1_000_003 + self.updates)  # whatever a backbone may draw
        self.optimiser.zero_grad(set_to_none=True)
        frames = self.group.total(torch.tensor(float(sum(int(part[-1].sum()) for part in parts)), device=self.device))
        total = torch.zeros((), device=self.device)
        for number, part in enumerate(parts):
            last = number == len(parts) - 1
            with nullcontext() if last or self.group.size == 1 else self._objective.no_sync():
                loss = self._objective(*_to_device(part, self.device)).sum() / frames
                (loss * self.group.size).backward()  # DistributedDataParallel takes the mean over processes
            total += loss.detach()
        value = float(self.group.total(total))
        if not math.isfinite(value):
            rates = " and ".join(f"{entry['lr']:.3g}" for entry in self.optimiser.param_groups)
            raise ValueError(
                f"the loss is {value} after {self.updates} steps, at the learning rates {rates} (backbone, the rest): "
                "training has diverged; lower train.learning_rate and train.backbone_learning_rate" + self._doubt()
            )
        self.optimiser.step()
        self.updates += 1
        return value

    def _doubt(self) -> str:
        """Torch 2.14's gradient of a dilated convolution from 24 to 32 channels is NaN in bfloat16 on AVX-512, for one."""
        doubtful = self.config.precision == "bfloat16" and self.device.type == "cpu"
        return ", or try train.precision: float32, which a CPU is surer of" if doubtful else ""


def _to_device(part, device: torch.device):
    if isinstance(part, Tensor):
        return part.to(device, non_blocking=True)
    if isinstance(part, dict):
        return {name: _to_device(value, device) for name, value in part.items()}
    return [_to_device(value, device) for value in part]


def make_optimiser(network: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """Adam with a learning rate of its own for the visual backbone; frozen parameters are left out."""
    network.audio_encoder.requires_grad_(False)
    if config.freeze_backbone:
        network.visual_encoder.requires_grad_(False)
    backbone = [parameter for parameter in network.visual_encoder.parameters() if parameter.requires_grad]
    known = {id(parameter) for parameter in backbone}
    rest = [p for p in network.parameters() if p.requires_grad and id(p) not in known]
    groups = [{"params": backbone, "lr": config.backbone_learning_rate}, {"params": rest, "lr": config.learning_rate}]
    return torch.optim.Adam(groups)


def rate_factor(config: TrainConfig, step: int, steps: int) -> float:
    """What the learning rates are multiplied by at a step of `steps`: 1 throughout ("constant"), a cosine down to a
    hundredth ("cosine"), or a line down to a tenth, reached five epochs before the end ("authors", their code for S4)."""
    if config.schedule == "cosine":
        return 0.01 + 0.495 * (1 + math.cos(math.pi * min(step / steps, 1)))
    if config.schedule == "authors":
        falling = steps * max(config.epochs - 5, 1) / config.epochs
        return 1 - 0.9 * min(step / falling, 1)
    return 1.0
