"""What this machine reaches at best, and the memory that a run needs."""

from __future__ import annotations

import gc
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from c3n_model.experiments.cost.benchmark import Run, time_run

PEAK_GEMM, PEAK_CHANNELS, PEAK_SIZE = 1024, 256, 56  # edge of the matrices, channels and size of the maps


def measure_peaks(device: torch.device) -> dict[str, float]:
    """Measure what this machine reaches at best [GMAC/s]: a product of large matrices and a 3 x 3 convolution."""
    peaks = {}
    for dtype in (torch.float32, torch.bfloat16):
        left, right = (torch.ones(PEAK_GEMM, PEAK_GEMM, dtype=dtype, device=device) for _ in range(2))
        conv = nn.Conv2d(PEAK_CHANNELS, PEAK_CHANNELS, 3, padding=1, device=device, dtype=dtype)
        conv = conv.to(memory_format=torch.channels_last)
        maps = torch.ones(1, PEAK_CHANNELS, PEAK_SIZE, PEAK_SIZE, dtype=dtype, device=device)
        maps = maps.to(memory_format=torch.channels_last)
        runs: dict[str, tuple[Run, int]] = {
            "matrix product": (lambda a=left, b=right: a @ b, PEAK_GEMM**3),  # type: ignore[misc]
            "convolution": (
                lambda x=maps, c=conv: F.conv2d(x, c.weight, padding=1),  # type: ignore[misc]
                9 * PEAK_CHANNELS**2 * PEAK_SIZE**2,
            ),
        }
        for name, (run, macs) in runs.items():
            fastest = min(time_run(run, device, time.process_time) for _ in range(5))
            peaks[f"{name}, {str(dtype).removeprefix('torch.')}"] = macs / max(fastest, 1e-9) / 1e9
    return peaks


def measure_peak(run: Run, device: torch.device) -> int:
    """Measure the memory that `run` needs at most, above what is in use before [bytes]. Linux, or a GPU."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        run()
        return torch.cuda.max_memory_allocated(device) - before
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before = _status_bytes("VmRSS")
    run()
    return max(_status_bytes("VmHWM") - before, 0)


def _status_bytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))
