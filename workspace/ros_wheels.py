"""Repairs the ROS 2 wheels after pip has installed them. Uses the standard library only.

The wheels' CMake files contain paths of the machine that built them, and the local_setup files of a ROS prefix are missing.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

# install/setup.bash sources this file of every prefix that the workspace was built on.
LOCAL_SETUP = """# Written by workspace/ros_wheels.py: this environment contains ROS 2 as wheels; install/setup.bash sources this file.
export VIRTUAL_ENV="{venv}"
export PATH="{venv}/bin:$PATH"
export AMENT_PREFIX_PATH="{venv}${{AMENT_PREFIX_PATH:+:$AMENT_PREFIX_PATH}}"
"""


def repair_wheels(venv: Path, variables: dict[str, str]) -> None:
    """Write this machine's paths into the CMake files of the wheels in `venv`, and the local_setup files for colcon."""
    query = "import numpy, sysconfig; print(sysconfig.get_path('include')); print(numpy.get_include())"
    output = subprocess.run(
        [str(venv / "bin/python"), "-c", query], env=variables, capture_output=True, text=True, check=True
    )
    python_include, numpy_include = output.stdout.split("\n")[:2]
    for path in (venv / "share").rglob("*.cmake"):
        text = path.read_text(encoding="utf-8")
        repaired = re.sub(
            r"/opt/python/[^/;\"]+/lib/python3\.\d+t?/site-packages/numpy/_core/include", numpy_include, text
        )
        repaired = re.sub(r"/opt/python/[^/;\"]+/include/python3\.\d+t?", python_include, repaired)
        if repaired != text:
            path.write_text(repaired, encoding="utf-8")
    for shell in ("sh", "bash", "zsh"):
        (venv / f"local_setup.{shell}").write_text(LOCAL_SETUP.format(venv=venv), encoding="utf-8")
