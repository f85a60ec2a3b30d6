"""The files for containers and for CI: what can be said without a Docker engine, which the workflow has."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
COMPOSE = ROOT / "docker/compose.yaml"
DOCKERFILES = sorted((ROOT / "docker").glob("Dockerfile*"))


def test_services_are_built_from_files_that_are_there():
    for service in yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"].values():
        context = (COMPOSE.parent / service["build"]["context"]).resolve()
        assert context == ROOT and (context / service["build"]["dockerfile"]).is_file()
        assert service["network_mode"] == "host", "the page is served on the loopback only"


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_what_is_copied_is_there(path):
    text = path.read_text(encoding="utf-8")
    copied = [word for line in re.findall(r"^COPY (.+) \S+$", text, re.M) for word in line.split()]
    assert copied and all((ROOT / name).exists() for name in copied)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert not set(copied) & set(ignored)
    (extras,) = re.findall(r"^ARG EXTRAS=(\S+)$", text, re.M)
    known = re.findall(r"^([\w-]+) = \[", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M)
    assert set(extras.split(",")) <= set(known)


def test_every_command_of_a_container_enters_the_workspace():
    enter = (ROOT / "docker/enter.sh").read_text(encoding="utf-8")
    assert (ROOT / "docker/enter.sh").stat().st_mode & 0o111
    assert enter.index("/opt/ros/") < enter.index(".venv/bin/activate") < enter.index("install/setup.bash")
    for path in DOCKERFILES:
        assert 'ENTRYPOINT ["/enter.sh"]' in path.read_text(encoding="utf-8")


def test_services_run_commands_that_there_are():
    services = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    assert services["robot"]["command"][:3] == ["ros2", "launch", "c3n_ros"]
    assert (ROOT / "launch" / services["robot"]["command"][3]).is_file()
    assert services["live"]["command"] == ["c3n", "live", "--no-browser"]


def test_the_workflow_builds_the_containers():
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))["jobs"]
    assert jobs["container"]["strategy"]["matrix"]["distro"] == ["humble", "jazzy"]
    assert any("docker/Dockerfile" in step.get("run", "") for step in jobs["container"]["steps"])
