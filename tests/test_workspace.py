"""Which message packages the workspace builds itself. Needs no ROS."""

import importlib
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def workspace(monkeypatch):
    """workspace.py, which runs as a script beside virtual_environment.py."""
    monkeypatch.syspath_prepend(str(ROOT))
    yield importlib.import_module("workspace")
    for name in ("workspace", "virtual_environment", "ros_wheels"):
        sys.modules.pop(name, None)


def install(prefix, *packages):
    for package in packages:
        folder = prefix / "share" / package
        folder.mkdir(parents=True)
        (folder / "package.xml").write_text("<package/>")
    return str(prefix)


def names(paths):
    return [path.name for path in paths]


def test_without_ros_all_stand_ins_are_built(workspace, tmp_path):
    assert names(workspace.missing_interfaces(install(tmp_path))) == ["audio_common_msgs", "vision_msgs"]
    assert all((path / "package.xml").exists() for path in workspace.missing_interfaces(""))


def test_what_a_distribution_has_is_never_built_over_it(workspace, tmp_path):
    ros, overlay = install(tmp_path / "ros", "vision_msgs"), install(tmp_path / "overlay", "audio_common_msgs")
    assert names(workspace.missing_interfaces(ros)) == ["audio_common_msgs"]
    assert workspace.missing_interfaces(f"{overlay}:{ros}") == []


def test_our_own_build_does_not_count_as_the_distribution(workspace, tmp_path, monkeypatch):
    monkeypatch.setattr(workspace, "ROOT", tmp_path)
    own = install(tmp_path / "install/vision_msgs", "vision_msgs")
    assert "vision_msgs" in names(workspace.missing_interfaces(own))
