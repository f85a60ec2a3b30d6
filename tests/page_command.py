"""Runs a command of `c3n` that serves a page, as a user does: started, asked over HTTP, ended by Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


_C3N = """
from c3n_model import loading
from c3n_model.cli import main
load = loading.load_model
loading.load_model = lambda name: load("demo" if name == "zero_shot" else name)
loading.fetch_weights = lambda *_: None
main()
"""


class PageCommand:
    """A command that runs: the `address` of its page, and what it `printed`, once it has ended."""

    def __init__(self, process: subprocess.Popen):
        line = process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+/", line)
        assert found, line + process.stderr.read()
        self.address, self.printed = found[0], ""


@contextmanager
def page_command(folder: Path, *arguments: str) -> Iterator[PageCommand]:
    """Run `c3n ARGUMENTS` in `folder` without a browser and at a free port, and end it as Ctrl-C does; it must then succeed.

    The embedded model is in the place of zero_shot, which must be downloaded.
    """
    command = [sys.executable, "-c", _C3N, *arguments, "--no-browser", "--port", "0"]
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        page = PageCommand(process)
        yield page
        process.send_signal(signal.SIGINT)
        page.printed, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    finally:
        process.kill()
        process.wait()


def post(address: str, values: Any) -> Any:
    """Send a JSON value as a page does; return the answer."""
    request = urllib.request.Request(address, json.dumps(values).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())
