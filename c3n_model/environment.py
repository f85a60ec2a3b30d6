"""The environment that the package runs in: its description for results, and the command that installs an extra."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version

import torch

_PACKAGES = ("torch", "torchvision", "timm", "numpy", "opencv-python-headless", "soxr", "safetensors")


def describe_environment() -> dict:
    """Return date (UTC), Python, packages, CPU cores and threads, CUDA and its devices, serialisable as JSON."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "packages": {name: version(name) for name in _PACKAGES},
        "cuda": torch.version.cuda if torch.cuda.is_available() else None,
        "devices": [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())],
    }


def install_command(extra: str) -> str:
    """Return the command that installs an extra of pyproject.toml, from a checkout because the package is not on PyPI."""
    return f'pip install ".[{extra}]" in a checkout of the repository'
