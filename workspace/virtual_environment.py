"""The Python environment of the workspace: its requirements, its creation, and how commands run in it.

Uses the standard library only, because it runs before anything is installed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

from ros_wheels import repair_wheels

ROOT = Path(__file__).resolve().parents[1]
LOG = ROOT / "log"
PROJECT, ROS_WHEELS, CONSTRAINTS = ROOT / "pyproject.toml", ROOT / "requirements-ros.txt", ROOT / "constraints.txt"
PYTHON_VERSIONS = ((3, 10), (3, 13))
ALL_EXTRAS = "all"
STAMP, EXTRAS_STAMP = ".c3n_ros_key", ".c3n_ros_extras"  # in the environment: its key, and what of the extras it has
DISK_SPACE_GIB = 8
HEARTBEAT_S = 15
SETUP_VERSION = b"2"  # a new value makes existing environments be set up again
# Variables of other environments that would put their packages before ours.
FOREIGN_VARIABLES = (
    "PYTHONPATH", "PYTHONHOME", "CMAKE_PREFIX_PATH", "COLCON_PREFIX_PATH", "AMENT_PREFIX_PATH", "AMENT_CURRENT_PREFIX",
    "COLCON_CURRENT_PREFIX", "ROS_DISTRO", "RMW_IMPLEMENTATION",
)  # fmt: skip
PARENT_MAKE_VARIABLES = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")


# Runs in the new environment: Python 3.10 has no tomllib, but pip contains a copy.
READ_PROJECT = """import json, sys
try: import tomllib
except ImportError: from pip._vendor import tomli as tomllib
print(json.dumps(tomllib.load(open(sys.argv[1], "rb"))["project"]))
"""


class WorkspaceError(Exception):
    """A step failed; the message says in one line what to do."""


def say(text: str) -> None:
    print(text, flush=True)


def ros_is_sourced() -> bool:
    return bool(os.environ.get("ROS_DISTRO") and os.environ.get("AMENT_PREFIX_PATH"))


def environment(venv: Path) -> dict[str, str]:
    """Return the environment variables for our commands: the caller's, with `venv` first on every path."""
    variables = {name: value for name, value in os.environ.items() if name not in PARENT_MAKE_VARIABLES}
    if not ros_is_sourced():
        for name in FOREIGN_VARIABLES:
            variables.pop(name, None)
        variables["AMENT_PREFIX_PATH"] = str(venv)
    # The ROS wheels restart Python once to set LD_LIBRARY_PATH; a guard inherited from another venv would prevent that.
    variables.pop("_ROS_WHEELS_BOOTSTRAP_COMPLETE", None)
    variables.pop("PYTHONDONTWRITEBYTECODE", None)  # each of a hundred processes would compile the sources again
    variables.update(
        VIRTUAL_ENV=str(venv),
        PATH=f"{venv / 'bin'}{os.pathsep}{variables.get('PATH', os.defpath)}",
        PIP_USER="0",
        PIP_DISABLE_PIP_VERSION_CHECK="1",
        COLCON_DEFAULTS_FILE=os.devnull,
    )
    return variables


def run_step(title: str, command: list[str], variables: dict[str, str], log_name: str, remedy: str) -> None:
    """Run `command` in the repository root, write its output to log/ and print the last line every HEARTBEAT_S.

    Raises WorkspaceError with `remedy` if the command fails, after printing the end of the log.
    """
    say(title)
    LOG.mkdir(exist_ok=True)
    log_path = LOG / log_name
    begin = time.monotonic()
    with log_path.open("w") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
    with process:
        while process.poll() is None:
            try:
                process.wait(timeout=HEARTBEAT_S)
            except subprocess.TimeoutExpired:
                say(f"  {time.monotonic() - begin:4.0f} s  {last_lines(log_path, 1)[:100]}")
    if process.returncode:
        say(last_lines(log_path, 12))
        raise WorkspaceError(f"{remedy} (full output: {log_path})")


def last_lines(path: Path, count: int) -> str:
    lines = [line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return "\n".join(lines[-count:])


def check_tools() -> None:
    """Raise WorkspaceError if a system program is missing."""
    compiler = os.environ.get("CXX", "c++").split()[0]
    needed = {compiler: "build-essential", "make": "make", "bash": "bash"}
    if ros_is_sourced():
        needed["colcon"] = "python3-colcon-common-extensions"
    for program, package in needed.items():
        if not shutil.which(program):
            raise WorkspaceError(f"{program} is missing: apt install {package}, then run make again")


def check_python() -> None:
    """Raise WorkspaceError if this interpreter cannot create the environment."""
    oldest, newest = PYTHON_VERSIONS
    if not oldest <= sys.version_info[:2] <= newest:
        raise WorkspaceError(
            f"expected Python {oldest[0]}.{oldest[1]} to {newest[0]}.{newest[1]}, got {platform.python_version()}: "
            "install one of these and run make with PYTHON=python3.N"
        )
    if not ros_is_sourced() and (sys.platform != "linux" or platform.machine() != "x86_64"):
        raise WorkspaceError(
            f"ROS 2 wheels exist for Linux x86-64 only, this is {sys.platform} {platform.machine()}: "
            "install ROS 2, source its setup.bash and run make again"
        )
    if importlib.util.find_spec("ensurepip") is None:
        raise WorkspaceError(
            "this Python cannot create virtual environments: apt install python3-venv, then run make again"
        )
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        raise WorkspaceError("the Python headers are missing: apt install python3-dev, then run make again")


def environment_key(venv: Path, extras: str = ALL_EXTRAS) -> str:
    """Return a key that changes when the environment must be set up again.

    It depends on the requirements, the interpreter and where ROS comes from.
    """
    ros = os.environ["ROS_DISTRO"] if ros_is_sourced() else "wheels"
    # Only the [project] tables: the linters' settings below them do not affect the environment.
    content = PROJECT.read_bytes().partition(b"[project]")[2].partition(b"[tool.")[0] + extras.encode() + SETUP_VERSION
    if not ros_is_sourced():
        content += ROS_WHEELS.read_bytes() + CONSTRAINTS.read_bytes()
    return f"{ros}-py{python_version(venv)}-{hashlib.sha256(content).hexdigest()[:12]}"


def python_version(venv: Path) -> str:
    """Return the Python version of `venv`, e.g. "3.12"; that of this interpreter if `venv` does not exist yet."""
    settings = venv / "pyvenv.cfg"
    text = settings.read_text(encoding="utf-8") if settings.exists() else ""
    match = re.search(r"^version\w* *= *(\d+\.\d+)", text, re.M)
    return match.group(1) if match else f"{sys.version_info[0]}.{sys.version_info[1]}"


def with_installed(venv: Path, extras: str) -> str:
    """Return `extras` with those that `venv` has already: no step takes any away, so that fewer are no reason to install again."""
    if ALL_EXTRAS in (extras, read_key(venv / EXTRAS_STAMP)) or read_key(venv / STAMP) == environment_key(venv):
        return ALL_EXTRAS
    names = {name.strip() for name in f"{extras},{read_key(venv / EXTRAS_STAMP)}".split(",")}
    return ",".join(sorted(filter(None, names)))


def read_key(stamp: Path) -> str:
    return stamp.read_text(encoding="utf-8") if stamp.exists() else ""


def setup(venv: Path, extras: str = ALL_EXTRAS) -> None:
    """Create the virtual environment, install the requirements and repair the wheels; do nothing if it is up to date.

    `extras` are comma-separated extras of pyproject.toml, beside those that are installed already; "" adds none.
    """
    if re.search(r"\s", f"{ROOT}{venv}"):
        raise WorkspaceError(f"colcon cannot work in a path with spaces ({ROOT}, {venv}): move it")
    check_tools()
    extras = with_installed(venv, extras)
    stamp, key = venv / STAMP, environment_key(venv, extras)
    if read_key(stamp) == key:
        say(f"setup: {venv} is up to date")
        return
    ros_before, ros_now = (read_key(stamp) or key).split("-")[0], key.split("-")[0]
    if ros_before != ros_now:
        raise WorkspaceError(
            f"{venv} was set up with ROS from {ros_before}, now ROS comes from {ros_now}: remove it "
            f"(rm -r '{venv}') or choose another with VENV=DIR, and run make again"
        )
    if not (venv / "pyvenv.cfg").exists():
        create_environment(venv)
    variables = environment(venv)
    install = [str(venv / "bin/python"), "-m", "pip", "install", *read_requirements(venv, extras)]
    if ros_is_sourced():
        install += numpy_constraint()
    else:
        install += ["-r", str(ROS_WHEELS), "-c", str(CONSTRAINTS)]
    run_step(
        f"setup: installing the packages into {venv} (about 6.5 GB, several minutes) ...",
        install,
        variables,
        "pip.log",
        "pip could not install the packages: check the network and the free disk space, then run make again",
    )
    if not ros_is_sourced():
        repair_wheels(venv, variables)
    (venv / EXTRAS_STAMP).write_text(extras, encoding="utf-8")
    stamp.write_text(key, encoding="utf-8")


def create_environment(venv: Path) -> None:
    check_python()
    if venv.is_dir() and any(venv.iterdir()):
        raise WorkspaceError(f"{venv} exists and is not a virtual environment: choose another folder with VENV=DIR")
    nearest = next(folder for folder in venv.parents if folder.exists())
    free_gib = shutil.disk_usage(nearest).free / 2**30
    if free_gib < DISK_SPACE_GIB:
        raise WorkspaceError(
            f"expected {DISK_SPACE_GIB} GiB free for {venv}, got {free_gib:.1f}: "
            "free some space or choose another folder with VENV=DIR"
        )
    access = ["--system-site-packages"] if ros_is_sourced() else []
    run_step(
        f"setup: creating the virtual environment {venv} ...",
        [sys.executable, "-m", "venv", *access, str(venv)],
        environment(venv),
        "venv.log",
        "python3 -m venv failed: apt install python3-venv, then run make again",
    )


def numpy_constraint() -> list[str]:
    """Return pip's constraint that keeps the distribution's major NumPy version.

    The distribution's messages are compiled against its NumPy: NumPy 2 with code built for NumPy 1 crashes.
    """
    version = subprocess.run(
        [sys.executable, "-c", "import numpy; print(numpy.__version__)"], capture_output=True, text=True
    )
    return ["numpy<2"] if version.stdout.startswith("1.") else []


def read_requirements(venv: Path, extras: str) -> list[str]:
    """Return the requirements in pyproject.toml, without the package itself, which colcon builds.

    Raises WorkspaceError for an unknown extra.
    """
    command = [str(venv / "bin/python"), "-c", READ_PROJECT, str(PROJECT)]
    project = json.loads(subprocess.check_output(command, env=environment(venv), text=True))
    known = project["optional-dependencies"]
    chosen = list(known) if extras == ALL_EXTRAS else [name.strip() for name in extras.split(",") if name.strip()]
    if unknown := [name for name in chosen if name not in known]:
        raise WorkspaceError(f"expected EXTRAS of {', '.join(known)} or {ALL_EXTRAS}, got {', '.join(unknown)}")
    return [*project["dependencies"], *(requirement for name in chosen for requirement in known[name])]
