"""Shared fixtures: a tiny model, and where real data lies (absent on most machines)."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import settings
from ros_domains import take_domain

# A shell ignores SIGINT in background jobs, and whatever they start inherits that: no test could end a process by Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ["ROS_DOMAIN_ID"] = take_domain()  # of nodes that tests outside of tests/ros start
if "PYTEST_XDIST_WORKER" in os.environ:  # as many processes as cores: more threads would only wait for each other
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from tiny import make_tiny_model  # noqa: E402

from c3n_model.model import Model  # noqa: E402

settings.register_profile("tests", deadline=None)  # how long an example takes says more of the machine than of the code
settings.load_profile("tests")
settings.register_profile("fuzz", max_examples=20_000, deadline=None)  # pytest --hypothesis-profile=fuzz
settings.register_profile("mutants", max_examples=20, deadline=None, derandomize=True)
REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "realdata"


def pytest_xdist_auto_num_workers() -> int:
    """Processes of `pytest -n auto`: more than cores, because tests of nodes wait for the clock half of their time."""
    return max(1, 3 * len(os.sched_getaffinity(0)) // 2)


def pytest_collection_finish() -> None:
    """Leave what the imports made out of garbage collections from here on, which take a twentieth of the time of all tests."""
    # openvino imports absl, whose handler closes any stderr but the real one when uvicorn closes all handlers: the one pytest captures.
    with contextlib.suppress(ImportError):
        from absl import logging as absl_logging

        absl_logging.get_absl_handler().python_handler.stream = sys.__stderr__
    gc.collect()
    gc.freeze()


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
