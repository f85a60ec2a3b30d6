"""DDS domains for tests: none is shared by two processes of pytest-xdist, nor by a test and the one after it."""

import itertools
import os

_processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
# Two test runs on one machine start at different domains. Without xdist the parent may be a shell of both.
_run = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
_numbers = itertools.count(_run * _processes + _process, _processes)
DOMAINS = 96  # DDS allows 101 on Linux; 1, 2, 3, 4, 6 and 8 processes divide 96


def take_domain() -> str:
    """Return the next domain of this process, for ROS_DOMAIN_ID."""
    return str(next(_numbers) % DOMAINS + 1)
