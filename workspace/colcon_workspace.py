"""The colcon workspace: build it, run commands in it, remove it. Uses the standard library only."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

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
    with_installed,
)

INTERFACES = ROOT / "c3n_model/sources/interfaces"


def build(venv: Path, extras: str = ALL_EXTRAS) -> None:
    """Build the package with colcon into install/, with those message packages in INTERFACES that ROS lacks."""
    variables = environment(venv)
    bundled = missing_interfaces(variables["AMENT_PREFIX_PATH"])
    # The key names the bundled packages: once ROS provides one, a copy left in install/ would hide it.
    stamp = ROOT / "build/.c3n_ros_key"
    key = " ".join(
        [environment_key(venv, with_installed(venv, extras)), str(venv), *(package.name for package in bundled)]
    )
    if ros_is_sourced():  # a distribution builds packages with its own Python, not with the environment's
        variables["PATH"] = os.environ["PATH"]
        del variables["VIRTUAL_ENV"]
    program = shutil.which("colcon", path=variables["PATH"])
    if program is None:
        raise WorkspaceError(f"{venv} has no colcon: run `make setup` first")
    if read_key(stamp) != key:
        remove_build()  # CMake's cache still holds the paths of the other environment
    command = [
        program,
        "--log-base",
        str(LOG),
        "build",
        "--base-paths",
        str(ROOT),
        *map(str, bundled),
        "--symlink-install",
        "--cmake-args",
        "-DBUILD_TESTING=OFF",
    ]
    run_step(
        "build: colcon build ...",
        command,
        variables,
        "build.log",
        "colcon could not build the workspace: read the output above, run `make clean` and try again",
    )
    stamp.write_text(key, encoding="utf-8")
    write_command(venv)
    say("build: install/ is ready; enter it with `. install/setup.bash`")


def write_command(venv: Path) -> None:
    """Write the program `c3n` into the environment: it runs this folder's source, also where the workspace is not sourced.

    An environment that several checkouts share has one `c3n`, that of the checkout that wrote last; this is said.
    """
    program = venv / "bin/c3n"
    before = (
        re.search(r"sys\.path\.insert\(0, '(.*)'\)", program.read_text(encoding="utf-8")) if program.exists() else None
    )
    if before and before[1] != str(ROOT):
        say(f"setup: {program} ran the source in {before[1]}, and now runs that in {ROOT}")
    lines = (
        f"#!{venv / 'bin/python'}",
        f"import sys\n\nsys.path.insert(0, {str(ROOT)!r})\nfrom c3n_model.cli import main\n",
        "raise SystemExit(main())\n",
    )
    program.write_text("\n".join(lines), encoding="utf-8")
    program.chmod(0o755)


def missing_interfaces(prefix_path: str) -> list[Path]:
    """Return the packages in INTERFACES that no prefix of an AMENT_PREFIX_PATH provides; our own build does not count."""
    prefixes = [Path(prefix) for prefix in prefix_path.split(os.pathsep) if prefix]
    foreign = [prefix for prefix in prefixes if ROOT / "install" not in (prefix, *prefix.parents)]
    packages = sorted(path.parent for path in INTERFACES.glob("*/package.xml"))
    return [
        package
        for package in packages
        if not any((prefix / "share" / package.name / "package.xml").exists() for prefix in foreign)
    ]


def run(venv: Path, command: list[str]) -> None:
    """Replace this process with `command`, run in the built workspace."""
    setup_script = ROOT / "install/setup.bash"
    if not setup_script.exists():
        raise WorkspaceError("the workspace is not built: run `make build` first")
    if not command:
        raise WorkspaceError("expected a command after `run --`, got none")
    enter = '. "$0" && PATH="$VIRTUAL_ENV/bin:$PATH" && exec "$@"'
    os.execvpe("bash", ["bash", "-c", enter, str(setup_script), *command], environment(venv))


def remove_build() -> None:
    for folder in ("build", "install"):
        shutil.rmtree(ROOT / folder, ignore_errors=True)


def clean(venv: Path) -> None:
    remove_build()
    shutil.rmtree(LOG, ignore_errors=True)
    say(f"clean: removed build/ install/ log/; {venv} and out/ are kept")
