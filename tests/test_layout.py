"""The rules that keep the two packages apart, held for every file. Needs no ROS and no torch."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted([*ROOT.glob("c3n_ros/**/*.py"), *ROOT.glob("c3n_model/**/*.py")])


def modules_imported_by(path):
    """Absolute names of all that a file imports, wherever in the file it does so."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            yield ".".join([*base, *filter(None, [node.module])])


def top(name):
    return name.split(".")[0]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path):
    imported = set(modules_imported_by(path))
    package, *folders = path.relative_to(ROOT).parts
    if package == "c3n_model":
        assert not [name for name in imported if top(name) in ("c3n_ros", "rclpy")]
    if package == "c3n_model" and folders[0] == "network":
        foreign = [name for name in imported if top(name) == "c3n_model" and not name.startswith("c3n_model.network")]
        assert not foreign, "the network knows nothing of ours but its own files"


@pytest.mark.parametrize("path", sorted(ROOT.glob("c3n_ros/**/*.py")), ids=lambda path: path.name)
def test_only_nodes_and_parameters_know_rclpy(path):
    if not (path.stem.endswith("_node") or path.stem.startswith("ros_") or path.name == "parameters.py"):
        assert "rclpy" not in set(map(top, modules_imported_by(path)))


@pytest.mark.parametrize("name", ["workspace.py", "virtual_environment.py"])
def test_set_up_needs_only_the_standard_library(name):
    imported = set(map(top, modules_imported_by(ROOT / "c3n_ros" / name)))
    assert imported - {"virtual_environment"} <= sys.stdlib_module_names


def test_no_utility_drawers():
    assert not [path for path in SOURCES if {"util", "utils", "misc", "helpers"} & {path.stem, path.parent.name}]
