"""Several processes that train one network: started by torchrun, one a GPU, on one machine or many.

    torchrun --nproc_per_node 4 -m c3n_model train ...

A process that was not started so is a group of one, and nothing here costs it anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor, distributed

PATIENCE = timedelta(hours=4)  # the others wait while the main process validates


@dataclass(frozen=True)
class Group:
    """The processes that train together; `rank` 0 is the main one, which alone writes files and validates."""

    rank: int = 0
    size: int = 1

    @property
    def is_main(self) -> bool:
        return self.rank == 0

    def total(self, value: Tensor) -> Tensor:
        """The sum of a scalar tensor over all processes."""
        if self.size == 1:
            return value
        value = value.clone()
        distributed.all_reduce(value)
        return value

    def from_main(self, value: float, device: torch.device) -> float:
        """The main process's number, in every process; what the others give is ignored."""
        if self.size == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64, device=device)
        distributed.broadcast(shared, src=0)
        return float(shared)

    def wait(self) -> None:
        """Until all processes are here."""
        if self.size > 1:
            distributed.barrier()


ALONE = Group()


@contextmanager
def joined_group() -> Iterator[Group]:
    """The group that torchrun started this process in, or a group of one. Leaves it at the end."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        yield ALONE
        return
    backend = "nccl" if torch.cuda.is_available() else "gloo"
    distributed.init_process_group(backend, timeout=PATIENCE)
    try:
        yield Group(distributed.get_rank(), distributed.get_world_size())
    finally:
        distributed.destroy_process_group()


def own_device(device: str) -> str:
    """What "auto" and "cuda" mean for a process of torchrun: its own GPU, "cuda:N"."""
    local_rank = os.environ.get("LOCAL_RANK")
    if local_rank is None or device not in ("auto", "cuda") or not torch.cuda.is_available():
        return device
    return f"cuda:{local_rank}"
