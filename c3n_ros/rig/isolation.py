"""Keeps the processes of a rig away from other ROS nodes on the network and on this machine."""

from __future__ import annotations

import os
import socket
from functools import cache

FIRST_DOMAIN, DOMAINS = 10, 90


def isolated_environment(**variables: str) -> dict[str, str]:
    """Return this process's environment with discovery limited to this machine, a ROS domain of its own, and `variables`."""
    own = {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST", "ROS_DOMAIN_ID": str(_own_domain()), **variables}
    return {**os.environ, **own}


@cache
def _own_domain() -> int:
    return free_domain(os.getpid())


def free_domain(first: int) -> int:
    """Return a ROS domain in [10, 99] that no participant on this machine uses, the first one from `first` on.

    By RTPS (9.6.1.1) the first participant of domain d listens on UDP port 7410 + 250 d. If all are in use, the first is returned.
    """
    domains = [FIRST_DOMAIN + (first + offset) % DOMAINS for offset in range(DOMAINS)]
    return next((domain for domain in domains if _is_free(7410 + 250 * domain)), domains[0])


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True
