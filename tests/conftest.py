"""Shared fixtures: a tiny model, and where real data lies (absent on most machines)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings
from tiny import make_tiny_model

from c3n_model.model import Model

settings.register_profile("fuzz", max_examples=20_000, deadline=None)  # pytest --hypothesis-profile=fuzz
settings.register_profile("mutants", max_examples=20, deadline=None, derandomize=True)
REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "realdata"


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test marked `browser` in a process of its own: playwright's greenlets crash one that has loaded all of our libraries."""
    if pyfuncitem.get_closest_marker("browser") is None or "C3N_OWN_PROCESS" in os.environ:
        return None
    test = f"{pyfuncitem.path}::{pyfuncitem.nodeid.split('::', 1)[1]}"
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", test]
    done = subprocess.run(command, env=os.environ | {"C3N_OWN_PROCESS": "1"}, capture_output=True, text=True)
    if done.returncode == 0 and "1 skipped" in done.stdout:
        pytest.skip(done.stdout.strip().splitlines()[-2])
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return True


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real clips and weights; the test is skipped where there is none."""
    if not REAL_DATA.is_dir():
        pytest.skip("needs real weights and clips in ../shared/realdata")
    return REAL_DATA


@pytest.fixture(scope="session")
def cases(real_data) -> Path:
    """The folder of small inputs of users that once went wrong; the test is skipped where there is none."""
    folder = real_data.parent / "cases"
    if not folder.is_dir():
        pytest.skip("needs the inputs in ../shared/cases")
    return folder


@pytest.fixture
def tiny_model() -> Model:
    return make_tiny_model()
