"""`make licences`: what packages state of their licences, in one table."""

import importlib
import subprocess
import sys
from email.message import Message
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def licences(monkeypatch):
    """licence_table.py, which lies in a folder that is no package."""
    monkeypatch.syspath_prepend(str(ROOT / "workspace"))
    yield importlib.import_module("licence_table")
    sys.modules.pop("licence_table")


def package(name="thing", files=(), **fields):
    message = Message()
    message["Name"] = name
    for key, values in fields.items():
        for value in values if isinstance(values, list) else [values]:
            message[key.replace("_", "-")] = value
    return SimpleNamespace(metadata=message, version="1.0", files=files)


@pytest.mark.parametrize(
    "stated, licence",
    [
        ({"License_Expression": "MIT", "License": "see file"}, "MIT"),
        (
            {"Classifier": ["License :: OSI Approved", "License :: OSI Approved :: BSD License", "Topic :: x"]},
            "BSD License",
        ),
        ({"License": "\nApache 2.0\nall of its text"}, "Apache 2.0"),
        ({"License": "x" * 100}, "x" * 60 + "..."),
        ({}, "not stated"),
        (
            {"License": "BSD", "files": ["av.libs/libx264-1a.so.1", "av.libs/libx265.so"]},
            "BSD; contains libx264, libx265 (GPL)",
        ),
    ],
)
def test_what_a_package_states(licences, tmp_path, stated, licence):
    assert licences.licence_of(package(**stated), tmp_path) == licence


def test_a_ros_package_states_it_in_its_package_xml(licences, tmp_path):
    file = tmp_path / "share/rcl_action/package.xml"
    file.parent.mkdir(parents=True)
    file.write_text("<package><license>Apache License 2.0</license><license>MIT</license></package>")
    assert licences.licence_of(package("ros-rcl-action"), tmp_path) == "Apache License 2.0, MIT"


def test_the_table_has_each_package_once(licences, tmp_path):
    packages = [package("B_b", License="MIT"), package("b-b", License="GPL"), package("a")]
    entries = licences.rows(packages, tmp_path)
    assert entries == [("a", "1.0", "not stated"), ("B_b", "1.0", "MIT")]
    assert licences.table(entries).splitlines()[-1] == "2 packages, 1 without a statement"


def test_the_environment_of_this_test_is_listed():
    command = [sys.executable, "-E", "workspace/licence_table.py"]
    lines = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    found = {line.split()[0].lower(): line for line in lines if line.strip()}
    assert "BSD" in found["numpy"] and {"torch", "av", "pytest"} <= set(found)
