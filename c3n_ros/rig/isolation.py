"""Keeps the processes of a rig away from other ROS nodes on the network."""

from __future__ import annotations

import os


def isolated_environment(**variables: str) -> dict[str, str]:
    """Return this process's environment with discovery limited to this machine, a ROS domain of its own (10 to 99, by process id),
    and `variables`."""
    domain = str(os.getpid() % 90 + 10)
    return {**os.environ, "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST", "ROS_DOMAIN_ID": domain, **variables}
