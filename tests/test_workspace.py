"""What `make` does: requirements, message packages, the fast tests. Needs no ROS."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def workspace(monkeypatch):
    """colcon_workspace.py, imported as `python3 workspace` does: with its folder on the path."""
    monkeypatch.syspath_prepend(str(ROOT / "workspace"))
    yield importlib.import_module("colcon_workspace")
    for name in ("colcon_workspace", "virtual_environment", "ros_wheels"):
        sys.modules.pop(name, None)


def install(prefix, *packages):
    for package in packages:
        folder = prefix / "share" / package
        folder.mkdir(parents=True)
        (folder / "package.xml").write_text("<package/>")
    return str(prefix)


def names(paths):
    return [path.name for path in paths]


def test_without_ros_all_bundled_packages_are_built(workspace, tmp_path):
    assert names(workspace.missing_interfaces(install(tmp_path))) == ["audio_common_msgs", "vision_msgs"]
    assert all((path / "package.xml").exists() for path in workspace.missing_interfaces(""))


def test_packages_of_the_distribution_are_not_built(workspace, tmp_path):
    ros, overlay = install(tmp_path / "ros", "vision_msgs"), install(tmp_path / "overlay", "audio_common_msgs")
    assert names(workspace.missing_interfaces(ros)) == ["audio_common_msgs"]
    assert workspace.missing_interfaces(f"{overlay}:{ros}") == []


def test_our_own_build_does_not_count_as_the_distribution(workspace, tmp_path, monkeypatch):
    monkeypatch.setattr(workspace, "ROOT", tmp_path)
    own = install(tmp_path / "install/vision_msgs", "vision_msgs")
    assert "vision_msgs" in names(workspace.missing_interfaces(own))


@pytest.mark.parametrize("arguments", [["key"], ["--extras", "zero-shot", "key"]])
def test_workspace_runs_as_a_folder(arguments, tmp_path):
    """`python3 -E workspace`, as the Makefile and .ci/run call it."""
    command = [sys.executable, "-E", "workspace", "--venv", str(tmp_path / "venv"), *arguments]
    key = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.fullmatch(r"\w+-py3\.\d+-[0-9a-f]{12}\n", key)


def test_a_failed_step_ends_with_one_line_and_its_remedy(tmp_path):
    command = [sys.executable, "-E", "workspace", "--venv", str(tmp_path / "venv"), "run", "--"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert re.fullmatch(r"error: .*(make build|run --).*\n", done.stderr)


def fast_tests():
    """The files that `make test-fast` runs."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    paths = [ROOT / path for path in re.search(r"^FAST_TESTS = (.*)$", text, re.M).group(1).split()]
    return [file for path in paths for file in ([path] if path.suffix else sorted(path.rglob("test_*.py")))]


def test_fast_tests_need_neither_model_nor_ros():
    files = fast_tests()
    assert len(files) > 20
    this_file = Path(__file__)
    needs = re.compile(r"\b(tiny_model|make_tiny_model|load_model|build_network|rclpy)\b")
    slow = {file.name: needs.search(file.read_text(encoding="utf-8")) for file in files if file != this_file}
    assert not {name: match.group(0) for name, match in slow.items() if match and name != "test_layout.py"}


class TestRequirements:
    """pyproject.toml as the environment is made from it, in the environment that runs this test."""

    venv = Path(sys.prefix)

    def test_extras_choose(self, workspace):
        setup = sys.modules["virtual_environment"]
        core, robot = setup.read_requirements(self.venv, ""), setup.read_requirements(self.venv, "zero-shot")
        everything = setup.read_requirements(self.venv, setup.ALL_EXTRAS)
        names = {re.match(r"[\w-]+", requirement).group(0) for requirement in robot}
        assert "ai-edge-litert" in names
        assert not names & {"spacy", "tensorboard", "scikit-learn", "pytest", "ruff"}
        assert set(core) < set(robot) < set(everything)
        assert any(requirement.startswith("ruff") for requirement in everything)

    def test_an_unknown_extra_is_refused_with_the_known_ones(self, workspace):
        setup = sys.modules["virtual_environment"]
        with pytest.raises(setup.WorkspaceError, match="zero-shot.*got no-such"):
            setup.read_requirements(self.venv, "no-such")

    def test_the_key_follows_what_is_installed(self, workspace, tmp_path, monkeypatch):
        setup = sys.modules["virtual_environment"]
        monkeypatch.delenv("ROS_DISTRO", raising=False)
        copies = {}
        for name in ("PROJECT", "ROS_WHEELS", "CONSTRAINTS"):
            copies[name] = tmp_path / getattr(setup, name).name
            copies[name].write_bytes(getattr(setup, name).read_bytes())
            monkeypatch.setattr(setup, name, copies[name])
        keys = [setup.environment_key(self.venv), setup.environment_key(self.venv, "zero-shot")]
        for name, old, new in (
            ("PROJECT", "timm>=", "timm>"),
            ("CONSTRAINTS", "timm==", "timm==9"),
            ("ROS_WHEELS", "cmake", "cmake<9"),
        ):
            text = copies[name].read_text(encoding="utf-8")
            copies[name].write_text(text.replace(old, new), encoding="utf-8")
            keys.append(setup.environment_key(self.venv))
        assert len(set(keys)) == len(keys)
        text = copies["PROJECT"].read_text(encoding="utf-8")
        copies["PROJECT"].write_text(text.replace("line-length = 120", "line-length = 100"), encoding="utf-8")
        assert setup.environment_key(self.venv) == keys[-1], "a linter's setting must not make a new environment"

    def test_fewer_extras_are_no_reason_to_install_again(self, workspace, tmp_path):
        setup = sys.modules["virtual_environment"]
        known = [("", "zero-shot", "zero-shot"), ("live,zero-shot", "zero-shot", "live,zero-shot"), ("", "", "")]
        known += [("live", " zero-shot, live", "live,zero-shot"), ("all", "live", "all"), ("live", "all", "all")]
        for installed, wanted, together in known:
            (tmp_path / setup.EXTRAS_STAMP).write_text(installed)
            assert setup.with_installed(tmp_path, wanted) == together, (installed, wanted)
        (tmp_path / setup.EXTRAS_STAMP).unlink()  # as environments were before
        (tmp_path / setup.STAMP).write_text(setup.environment_key(tmp_path))
        assert setup.with_installed(tmp_path, "live") == "all"

    def test_constraints_fit_the_bounds(self):
        """Every requirement of pyproject.toml has an exact version, and that version is within its bounds."""
        from packaging.requirements import Requirement

        lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
        exact = {re.sub(r"[-_.]+", "-", pin.name.lower()): next(iter(pin.specifier)).version for pin in pins}
        setup_file = (
            (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("[project]")[2].partition("[tool.")[0]
        )
        found = [Requirement(text) for text in re.findall(r'"([A-Za-z][\w-]*(?:[<>=][^"]*)?)"', setup_file)]
        wanted = [requirement for requirement in found if requirement.specifier and requirement.name != "python"]
        assert len(wanted) > 25
        for requirement in wanted:
            assert requirement.specifier.contains(exact[requirement.name.lower()]), requirement


def test_versions_agree():
    """package.xml, pyproject.toml, CITATION.cff and the newest entry of the changelog."""
    patterns = {
        "package.xml": r"<version>(.*?)</version>",
        "pyproject.toml": r'^version = "(.*?)"',
        "CITATION.cff": r"^version: (.*)$",
    }
    versions = {
        name: re.search(pattern, (ROOT / name).read_text(encoding="utf-8"), re.M).group(1)
        for name, pattern in patterns.items()
    }
    assert len(set(versions.values())) == 1, versions
    newest = re.search(r"^(Forthcoming|\d+\.\d+\.\d+ \(.*\))$", (ROOT / "CHANGELOG.rst").read_text(), re.M).group(1)
    assert newest == "Forthcoming" or newest.startswith(f"{versions['package.xml']} ")


def test_setup_gives_the_environment_the_command_c3n(tmp_path):
    """Here of an environment that is up to date, so that nothing is installed."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").symlink_to(sys.executable)
    command = [sys.executable, "-E", "workspace", "--venv", str(tmp_path)]
    key = subprocess.run([*command, "key"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    (tmp_path / ".c3n_ros_key").write_text(key.strip())
    program = tmp_path / "bin/c3n"
    program.write_text("import sys\n\nsys.path.insert(0, '/another/checkout')\n")
    for extras, says in ((["--extras", "live"], "/another/checkout"), ([], "is up to date")):
        done = subprocess.run([*command, *extras, "setup"], cwd=ROOT, capture_output=True, text=True, check=True)
        assert "is up to date" in done.stdout and says in done.stdout, "all extras are there"
    assert "another" not in done.stdout
    assert program.stat().st_mode & 0o111
    done = subprocess.run(
        [sys.executable, str(program), "--help"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0 and "live" in done.stdout
