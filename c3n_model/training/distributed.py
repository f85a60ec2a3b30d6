"""Distributed training with torchrun: one process per GPU, on one or several machines.

    torchrun --nproc_per_node 4 -m c3n_model train ...

A process not started by torchrun is a group of one, without any overhead.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor, distributed

TIMEOUT = timedelta(hours=4)  # the other processes wait while the main process validates


@dataclass(frozen=True)
class Group:
    """A group of processes that train together; only the main process, `rank` 0, validates and writes files."""

    rank: int = 0
    size: int = 1

    @property
    def is_main(self) -> bool:
        return self.rank == 0

    def total(self, value: Tensor) -> Tensor:
        """Sum a scalar tensor over all processes."""
        if self.size == 1:
            return value
        value = value.clone()
        distributed.all_reduce(value)
        return value

    def from_main(self, value: float, device: torch.device) -> float:
        """Broadcast the main process's value; the values of the other processes are ignored."""
        if self.size == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64, device=device)
        distributed.broadcast(shared, src=0)
        return float(shared)

    def wait(self) -> None:
        """Wait until all processes have reached this call."""
        if self.size > 1:
            distributed.barrier()


SINGLE_PROCESS = Group()


@contextmanager
def process_group() -> Iterator[Group]:
    """Join the process group started by torchrun, or a group of one without torchrun; leave it on exit."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        yield SINGLE_PROCESS
        return
    backend = "nccl" if torch.cuda.is_available() else "gloo"
    distributed.init_process_group(backend, timeout=TIMEOUT)
    try:
        yield Group(distributed.get_rank(), distributed.get_world_size())
    finally:
        distributed.destroy_process_group()


def local_device(device: str) -> str:
    """Map "auto" and "cuda" to this process's GPU, "cuda:N", if it was started by torchrun."""
    local_rank = os.environ.get("LOCAL_RANK")
    if local_rank is None or device not in ("auto", "cuda") or not torch.cuda.is_available():
        return device
    return f"cuda:{local_rank}"
