"""The wheel has all that a command reads, and the command itself."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOT_SHIPPED = {"__pycache__"}


def test_a_wheel_has_every_file_of_the_package(tmp_path):
    setuptools = pytest.importorskip("setuptools")
    if int(setuptools.__version__.split(".")[0]) < 77:
        pytest.skip("pyproject.toml needs setuptools 77 to build")
    # From a copy: setuptools writes build/ and *.egg-info beside the source.
    tree = tmp_path / "tree"
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("needs a git checkout")
    for name in filter(lambda name: (ROOT / name).is_file(), listed.stdout.splitlines()):
        if name.startswith(("c3n_model/", "c3n_ros/")) or "/" not in name:
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            os.link(ROOT / name, tree / name) if ROOT.stat().st_dev == tree.stat().st_dev else (
                tree / name
            ).write_bytes((ROOT / name).read_bytes())
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "-q",
        "-w",
        str(tmp_path),
        str(tree),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        shipped = set(wheel.namelist())
        entry_points = wheel.read(next(name for name in shipped if name.endswith("entry_points.txt"))).decode()
    files = {str(path.relative_to(tree)) for path in (tree / "c3n_model").rglob("*") if path.is_file()}
    assert {name for name in files - shipped if not NOT_SHIPPED & set(Path(name).parts)} == set()
    assert "c3n = c3n_model.cli:main" in entry_points
