"""ROS 2 as wheels: what must be mended after pip has installed them. Standard library only.

The wheels' CMake files name folders of the machine that built them, and they lack the local_setup files of a ROS prefix.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

# Sourced by install/setup.bash, which colcon makes source every prefix it was built upon.
LOCAL_SETUP = """# Written by ros_wheels.py: this environment holds ROS 2 as wheels; install/setup.bash sources this file.
export VIRTUAL_ENV="{venv}"
export PATH="{venv}/bin:$PATH"
export AMENT_PREFIX_PATH="{venv}${{AMENT_PREFIX_PATH:+:$AMENT_PREFIX_PATH}}"
"""


def repair_wheels(venv: Path, variables: dict[str, str]) -> None:
    """Put this machine's folders into the CMake files of the wheels in `venv`, and write the local_setup files that colcon sources."""
    query = "import numpy, sysconfig; print(sysconfig.get_path('include')); print(numpy.get_include())"
    found = subprocess.run(
        [str(venv / "bin/python"), "-c", query], env=variables, capture_output=True, text=True, check=True
    )
    python_include, numpy_include = found.stdout.split("\n")[:2]
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
