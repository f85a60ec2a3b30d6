"""`make docs`: the API pages build without a warning, and the front door and the rooms are on them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def test_api_pages_build(tmp_path):
    pytest.importorskip("pdoc", reason='pdoc is not installed: pip install ".[docs]"')
    command = [sys.executable, "-W", "error::UserWarning", "docs/build_api.py", str(tmp_path)]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    front = (tmp_path / "c3n_model.html").read_text(encoding="utf-8")
    assert all(f'id="{name}"' in front for name in ("Session", "load_model", "open_source", "segment"))
    assert "Segment the newest window" in (tmp_path / "c3n_model/streaming/session.html").read_text(encoding="utf-8")
    assert (tmp_path / "c3n_model/network/c3n.html").exists()
    assert not (tmp_path / "c3n_model/commands").exists()
