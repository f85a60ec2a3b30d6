"""One training update: the loss of a batch (Eq. 16) and a step of Adam, in one or several processes."""

from __future__ import annotations

import math
from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from c3n_model.config import TrainConfig
from c3n_model.training.distributed import SINGLE_PROCESS, Group
from c3n_model.training.features import encoding_from
from c3n_model.training.losses import frame_losses


class Objective(nn.Module):
    """Network and loss in one module, for DistributedDataParallel: a batch of clips -> losses of the M frames with a mask.

    Only these frames pass through ASPP and decoder (in S4, the first of five).
    """

    def __init__(self, network: nn.Module, config: TrainConfig):
        super().__init__()
        self.network, self.precision = network, config.precision
        self._form = {"dice": config.dice, "bce_weight": config.bce_weight}

    def forward(self, *batch) -> Tensor:
        *inputs, masks, has_mask = batch
        with torch.autocast(masks.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            if len(inputs) == 2:  # frames and snippets; otherwise cached features
                encoding = self.network.encode(*(part.flatten(0, 1) for part in inputs))
            else:
                encoding = encoding_from(inputs[0], tuple(masks.shape[2:]))
            logits = self.network.decode(encoding, has_mask).logits
        return frame_losses(logits.float(), masks[has_mask], **self._form)


class Optimisation:
    """A network, its optimiser (Adam) and the number of updates so far."""

    def __init__(
        self,
        network: nn.Module,
        config: TrainConfig,
        device: torch.device,
        *,
        steps: int,
        group: Group = SINGLE_PROCESS,
    ):
        """`steps` is the total number of updates in the learning rate schedule."""
        self.config, self.device, self.steps, self.group = config, device, steps, group
        self.network = network.to(memory_format=torch.channels_last)  # the fastest format for convolutions
        network.visual_encoder.set_stochastic_depth(config.stochastic_depth)
        self.optimiser = make_optimiser(network, config)
        self.updates = 0
        self._rates = [entry["lr"] for entry in self.optimiser.param_groups]
        self._objective: nn.Module = Objective(network, config)
        if group.size > 1:
            if device.type == "cuda":
                self._objective = nn.SyncBatchNorm.convert_sync_batchnorm(self._objective)
            # Parameters that only affect the class logits get no gradient.
            self._objective = DistributedDataParallel(self._objective, find_unused_parameters=True)

    def update(self, micro_batches: list) -> float:
        """Update the network on one batch, given as micro-batches; return the mean loss over its frames, in all processes.

        Raises ValueError for a loss that is not finite, before updating anything.
        """
        factor = rate_factor(self.config, self.updates, self.steps)
        for entry, rate in zip(self.optimiser.param_groups, self._rates, strict=True):
            entry["lr"] = rate * factor
        # For stochastic depth: each process drops other branches, a resumed training the same ones.
        torch.manual_seed(self.config.seed * 1_000_003 + self.updates + self.group.rank * 1_000_000_007)
        self.optimiser.zero_grad(set_to_none=True)
        frames = sum(int(batch[-1].sum()) for batch in micro_batches)
        frames = self.group.total(torch.tensor(float(frames), device=self.device))
        total = torch.zeros((), device=self.device)
        for number, batch in enumerate(micro_batches):
            last = number == len(micro_batches) - 1
            with nullcontext() if last or self.group.size == 1 else self._objective.no_sync():
                loss = self._objective(*_to_device(batch, self.device)).sum() / frames
                (loss * self.group.size).backward()  # DistributedDataParallel averages over processes
            total += loss.detach()
        value = float(self.group.total(total))
        if not math.isfinite(value):
            rates = " and ".join(f"{entry['lr']:.3g}" for entry in self.optimiser.param_groups)
            raise ValueError(
                f"the loss is {value} after {self.updates} steps, at the learning rates {rates} (backbone, rest): "
                "training has diverged; lower train.learning_rate and train.backbone_learning_rate"
                + self._precision_hint()
            )
        self.optimiser.step()
        self.updates += 1
        return value

    def _precision_hint(self) -> str:
        """Suggest float32 where bfloat16 is unreliable.

        For example, torch 2.14's gradient of a dilated convolution from 24 to 32 channels is NaN on CPUs with AVX-512.
        """
        unreliable = self.config.precision == "bfloat16" and self.device.type == "cpu"
        return ", or set train.precision: float32, which is more reliable on a CPU" if unreliable else ""


def _to_device(batch, device: torch.device):
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, dict):
        return {name: _to_device(value, device) for name, value in batch.items()}
    return [_to_device(value, device) for value in batch]


def make_optimiser(network: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """Create Adam with a separate learning rate for the visual backbone, without frozen parameters."""
    network.audio_encoder.requires_grad_(False)
    if config.freeze_backbone:
        network.visual_encoder.requires_grad_(False)
    backbone = [parameter for parameter in network.visual_encoder.parameters() if parameter.requires_grad]
    backbone_ids = {id(parameter) for parameter in backbone}
    rest = [p for p in network.parameters() if p.requires_grad and id(p) not in backbone_ids]
    groups = [{"params": backbone, "lr": config.backbone_learning_rate}, {"params": rest, "lr": config.learning_rate}]
    return torch.optim.Adam(groups)


def rate_factor(config: TrainConfig, step: int, steps: int) -> float:
    """Return the learning rate factor at `step` of `steps`.

    "constant" is always 1 and "cosine" decays to 0.01. "authors", their code for S4, is a staircase with a step per epoch that
    reaches 0.1 five epochs before the end; their scheduler makes its first step when it is created, so it starts below 1.
    """
    if config.schedule == "cosine":
        return 0.01 + 0.495 * (1 + math.cos(math.pi * min(step / steps, 1)))
    if config.schedule == "authors":
        epoch, falling = step * config.epochs // steps + 1, config.epochs - 5  # counted from 1
        return 1 - 0.9 * min(epoch, falling) / falling
    return 1.0
