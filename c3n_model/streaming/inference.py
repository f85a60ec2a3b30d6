"""What a session runs: the network prepared for it, or an exported step in its runtime."""

from __future__ import annotations

from typing import Any

import torch

from c3n_model.deployment.exported import ExportedNetwork, Runtime, open_runtime
from c3n_model.model import Model
from c3n_model.network.c3n import C3N
from c3n_model.network.prepared import Precision, prepare


def open_exported(model: Model, runtime: str, device: torch.device, precision: Precision) -> Runtime | None:
    """Open the runtime of an exported step; None for what runs in torch."""
    exported = isinstance(model.network, ExportedNetwork)
    if not exported and runtime in ("auto", "torch"):
        return None
    if exported and runtime == "torch":
        raise ValueError(f"{model.name} was exported and does not run in torch; load the checkpoint it was made from")
    return open_runtime(model.network, runtime, device=str(device), precision=precision)


def for_inference(network: Any, precision: Precision, device: torch.device) -> Any:
    """Return a network for sessions alone. Raises ValueError for a precision that the device or the network does not have."""
    if precision == "bfloat16" and not isinstance(network, ExportedNetwork):
        if not isinstance(network, C3N):
            raise ValueError(f"precision bfloat16 is for a C3N, this model is a {type(network).__name__}; use float32")
        if device.type == "cuda":
            able = torch.cuda.is_bf16_supported(including_emulation=False)
        else:
            able = torch.cpu._is_avx512_bf16_supported()
        if not able:
            raise ValueError(f"{device} does not compute in bfloat16; use precision float32")
    return prepare(network, precision=precision) if isinstance(network, C3N) else network
