"""The moment in the start of a node in which its libraries load."""

import time
from pathlib import Path


def wait_until_torch_loads(pid: int):
    """Wait until a process has mapped libtorch, long before torch is imported. The process must not end before."""
    deadline = time.monotonic() + 60
    while "libtorch" not in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8"):
        assert time.monotonic() < deadline, f"process {pid} loads no torch"
        time.sleep(0.01)
