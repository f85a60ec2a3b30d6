"""The walls of the house: which folder may import which, held for every file. Needs no ROS and no torch."""

import ast
import sys
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted([*ROOT.glob("c3n_ros/**/*.py"), *ROOT.glob("c3n_model/**/*.py")])
SETUP_SOURCES = sorted(ROOT.glob("workspace/*.py"))
LINES, FILES_AT_THE_TOP = 260, {"c3n_model": 12, "c3n_ros": 9}
# An encoder and the file that renames its public weights share their name.
ENCODERS = {"beats", "panns", "vggish", "yamnet"}


def module_name(path):
    """The dotted name of a file: c3n_model/network/c3n.py is c3n_model.network.c3n."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in SOURCES}


def imported_by(path):
    """Absolute names of all modules that a file imports, wherever in the file it does so."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            module = ".".join([*base, *filter(None, [node.module])])
            for alias in node.names:
                yield f"{module}.{alias.name}" if f"{module}.{alias.name}" in MODULES else module


def top(name):
    return name.split(".")[0]


def room(name):
    """The folder of a module of ours; a file at the top of its package is a room of its own."""
    path = MODULES[name].relative_to(ROOT)
    return name if len(path.parts) == 2 else ".".join(path.parent.parts)


OURS = {name: {other for other in imported_by(path) if other in MODULES} - {name} for name, path in MODULES.items()}


def within(name, *packages):
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imports_have_one_direction(name):
    if top(name) == "c3n_model":
        foreign = [other for other in imported_by(MODULES[name]) if top(other) in ("c3n_ros", "rclpy")]
        assert not foreign, "the offline package knows nothing of ROS"
    if not within(name, "c3n_ros.rig"):
        assert not [other for other in OURS[name] if within(other, "c3n_ros.rig")], "nothing imports the rigs"
    if not within(name, "c3n_model.commands", "c3n_model.experiments"):
        studies = [other for other in OURS[name] if within(other, "c3n_model.experiments")]
        assert not studies, "experiments are imported by commands alone"
    if not within(name, "c3n_model.commands", "c3n_model.live", "c3n_model.review", "c3n_model.web"):
        pages = [other for other in OURS[name] if within(other, "c3n_model.live", "c3n_model.review", "c3n_model.web")]
        assert not pages, "pages are served by commands alone"
    if not within(name, "c3n_model.commands", "c3n_model.cli"):
        assert not [other for other in OURS[name] if within(other, "c3n_model.commands")], "commands are the last word"


@pytest.mark.parametrize("package", ["network", "messages"])
def test_networks_and_messages_import_types_and_their_own_files_only(package):
    own = f"c3n_model.{package}"
    for name in filter(lambda name: within(name, own), MODULES):
        assert not [other for other in OURS[name] if not within(other, own, "c3n_model.types")], name


def test_modules_have_no_import_cycle():
    assert list(TopologicalSorter(OURS).static_order())


def test_folders_have_no_import_cycle():
    rooms = {}
    for name, others in OURS.items():
        rooms.setdefault(room(name), set()).update({room(other) for other in others} - {room(name)})
    try:
        TopologicalSorter(rooms).prepare()
    except CycleError as error:
        circle = error.args[1]
        steps = [f"{a} -> {b}" for a in OURS for b in OURS[a] if room(a) in circle and room(b) in circle]
        pytest.fail(f"these rooms import each other: {circle}; by {[s for s in steps if len(set(s.split())) > 2]}")


@pytest.mark.parametrize("path", sorted(ROOT.glob("c3n_ros/**/*.py")), ids=lambda path: path.name)
def test_only_nodes_know_rclpy(path):
    if not (path.stem.endswith("_node") or path.stem.startswith("ros_") or path.stem in ("parameters", "run_node")):
        assert "rclpy" not in set(map(top, imported_by(path)))


@pytest.mark.parametrize("package", FILES_AT_THE_TOP)
def test_few_files_lie_at_the_top(package):
    assert len(list(ROOT.glob(f"{package}/*.py"))) <= FILES_AT_THE_TOP[package]


@pytest.mark.parametrize("package", FILES_AT_THE_TOP)
def test_no_two_modules_share_a_name(package):
    paths = [path for path in SOURCES if path.relative_to(ROOT).parts[0] == package and path.stem != "__init__"]
    names = [path.stem for path in paths if not {"commands", "experiments"} & set(path.relative_to(ROOT).parts)]
    allowed = ENCODERS if package == "c3n_model" else set()
    assert {name for name, count in Counter(names).items() if count > 1} <= allowed


@pytest.mark.parametrize("path", [*SOURCES, *SETUP_SOURCES], ids=lambda path: str(path.relative_to(ROOT)))
def test_files_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LINES


def test_workspace_needs_only_the_standard_library():
    assert len(SETUP_SOURCES) > 2
    own = {path.stem for path in SETUP_SOURCES}
    for path in SETUP_SOURCES:
        assert set(map(top, imported_by(path))) - own <= sys.stdlib_module_names, path


def test_no_module_is_called_utils():
    assert not [path for path in SOURCES if {"util", "utils", "misc", "helpers"} & {path.stem, path.parent.name}]
