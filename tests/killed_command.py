"""Runs commands of `c3n` in processes that are killed at any moment. One process imports the libraries, its forks run the command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import c3n_model

_SOURCES = os.pathsep.join([str(Path(c3n_model.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])])

_FORKER = """
import os, select, shlex, signal, sys, time
import torch
torch.set_num_threads(1)
from c3n_model.cli import main
import c3n_model.scoring.evaluate, c3n_model.streaming.segment, c3n_model.training.run, c3n_model.sources.results
print("ready", flush=True)
for line in sys.stdin:
    seconds, *arguments = shlex.split(line)
    begin, child = time.monotonic(), os.fork()
    if child == 0:
        try:
            main(arguments)
        except SystemExit as end:
            print(end.code, file=sys.stderr)
            os._exit(1)
        os._exit(0)
    ended, status = 0, 0
    while not ended and time.monotonic() - begin < float(seconds):
        time.sleep(0.002)
        ended, status = os.waitpid(child, os.WNOHANG)
    if not ended:
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), time.monotonic() - begin, flush=True)
"""


class Forker:
    """A context manager. `run` runs a command to its end, `kill` for at most so many seconds."""

    def __init__(self, folder: Path):
        """`folder`: where the commands run, and where what they print goes, to forker.log."""
        self._folder = folder

    def __enter__(self) -> Forker:
        with (self._folder / "forker.log").open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _FORKER],
                cwd=self._folder, env=os.environ | {"PYTHONPATH": _SOURCES}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        assert self._line() == "ready", (self._folder / "forker.log").read_text()
        return self

    def __exit__(self, *_) -> None:
        self._process.stdin.close()
        self._process.wait(60)

    def run(self, command: str) -> float:
        """Run a command to its end, which has to be a good one; return its duration in seconds."""
        code, seconds = self._ask(9e9, command)
        assert code == 0, (self._folder / "forker.log").read_text()
        return seconds

    def kill(self, command: str, seconds: float) -> bool:
        """Run a command and end it by SIGKILL after `seconds`; return whether it was still running then."""
        code, _ = self._ask(seconds, command)
        assert code in (0, -9), (self._folder / "forker.log").read_text()
        return code == -9

    def _ask(self, seconds: float, command: str) -> tuple[int, float]:
        self._process.stdin.write(f"{seconds} {command}\n")
        self._process.stdin.flush()
        while True:
            words = self._line().split()
            if len(words) == 2 and words[0].lstrip("-").isdigit():
                return int(words[0]), float(words[1])

    def _line(self) -> str:
        line = self._process.stdout.readline()
        assert line, f"it ended: {(self._folder / 'forker.log').read_text()}"
        return line.strip()
