"""Keeps the processes of a rig away from other ROS nodes on the network and on this machine."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path

LARGE_IMAGES = Path(__file__).resolve().parents[2] / "config/fastdds_large_images.xml"
FIRST_DOMAIN, DOMAINS = 10, 90
PARTICIPANTS = 30  # of a process, that are looked for


def isolated_environment(**variables: str) -> dict[str, str]:
    """Return this process's environment with discovery limited to this machine, a ROS domain of its own, and `variables`."""
    own = {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST", "ROS_DOMAIN_ID": str(_own_domain()), **variables}
    return {**os.environ, **own}


def large_images_profile() -> dict[str, str]:
    """Return the variable with which Fast DDS delivers large images on one machine; empty where the profile is not beside the code."""
    return {"FASTRTPS_DEFAULT_PROFILES_FILE": str(LARGE_IMAGES)} if LARGE_IMAGES.exists() else {}


@cache
def _own_domain() -> int:
    return free_domain(os.getpid())


def free_domain(first: int) -> int:
    """Return a ROS domain in [10, 99] that no participant on this machine uses, the first one from `first` on.

    By RTPS (9.6.1.1) participants of domain d listen on UDP port 7400 + 250 d, where they use multicast, and the one of number n,
    counted over the domains of its process, on 7410 + 250 d + 2 n. If all domains are in use, the first is returned.
    """
    domains = [FIRST_DOMAIN + (first + offset) % DOMAINS for offset in range(DOMAINS)]
    return next((domain for domain in domains if _is_free(domain)), domains[0])


def _is_free(domain: int) -> bool:
    return all(_can_bind(7400 + 250 * domain + offset) for offset in (0, *range(10, 10 + 2 * PARTICIPANTS, 2)))


def _can_bind(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True
