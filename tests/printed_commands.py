"""The commands that the documents print, and what can be said of each without running it: its program, files, options and topics exist."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

import yaml

from c3n_model.cli import COMMANDS
from c3n_ros.topics import OUTPUTS

ROOT = Path(__file__).resolve().parents[1]
_OF_THE_SYSTEM = {"apt", "ssh", "sudo", "pre-commit", "torchrun"}
_MADE_BY_MAKE = (".venv/", "install/")


def commands_in(text: str) -> Iterator[tuple[str, bool]]:
    """Yield (command, whole) of a document: the lines of its blocks of code, and its spans of code that begin with a program.

    `whole`: it can be run as it stands. What a sentence mentions may leave out arguments.
    """
    text = re.sub(r"```.*?```", "", text, flags=re.S)
    for line in re.findall(r"^    (?=\S)(.+)$", text, re.M):
        if re.match(r"[\w./-]+( |$)", line) and not re.match(r"[\w]+/[A-Z]", line):
            yield from ((part, True) for part in _parts(line))
    for line in re.findall(r"^(?!    ).*`.*$", text, re.M):
        cells = re.findall(r"\| (`[^`|]+`(?:; `[^`|]+`)*) (?=\|)", line)  # those that consist of code
        alone = {span for cell in cells for span in re.findall(r"`([^`]+)`", cell) if "…" not in span}
        for span in re.findall(r"`([^`]+)`", line):
            for part in _parts(span):
                if " " in part and _program(part) in _CHECKS:
                    yield part, span in alone


def _parts(line: str) -> list[str]:
    return [part.strip() for part in re.split(r" && |; (?=c3n )", line)]


def _program(command: str) -> str:
    return command.split(" ")[0].removeprefix(".venv/bin/")


def check(command: str, whole: bool) -> str:
    """Return what is wrong with a command, "" for nothing."""
    words = [word for word in shlex.split(command.replace("[--json]", "--json"), comments=True) if "…" not in word]
    known = _CHECKS.get(_program(command))
    if known is None:
        return "nobody checks a program of this name"
    return known(words[1:], whole) or ""


def _c3n(words: list[str], whole: bool) -> str:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    for command in COMMANDS:
        command.add(commands)
    if not whole:
        return _mentioned(commands.choices, words)
    try:
        with redirect_stderr(StringIO()) as said:
            parser.parse_args(words)
    except SystemExit:
        return said.getvalue().splitlines()[-1]
    missing = [word for word in words if word.startswith("config/") and not (ROOT / word).is_file()]
    return f"no file {missing[0]}" if missing else ""


def _mentioned(choices: dict[str, argparse.ArgumentParser], words: list[str]) -> str:
    if words[0] not in choices and words[0] != "--help":
        return f"c3n has no command {words[0]}"
    if words[0] == "--help":
        return ""
    parser = choices[words[0]]
    for action in parser._actions:  # the commands of a command, such as `c3n labels build`
        if isinstance(action, argparse._SubParsersAction) and words[1:2] and words[1] in action.choices:
            parser = action.choices[words[1]]
    unknown = [word for word in words if word.startswith("-") and word not in parser.format_help()]
    return f"c3n {words[0]} has no option {unknown[0]}" if unknown else ""


def _make(words: list[str], _: bool) -> str:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for word in words:
        name, given, value = word.partition("=")
        if given and not re.search(rf"^{name} \?=|\$\({name}\)", makefile, re.M):
            return f"the Makefile has no variable {name}"
        if name == "EXTRAS" and (wrong := _unknown_extras(value)):
            return wrong
        if not given and not re.search(rf"^{re.escape(name)}:", makefile, re.M):
            return f"no target {name}"
    return ""


def _unknown_extras(text: str) -> str:
    known = re.findall(r"^([\w-]+) = \[", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M)
    unknown = set(text.split(",")) - set(known) - {"all"}
    return f"pyproject.toml has no extra {unknown}" if unknown else ""


def _pip(words: list[str], _: bool) -> str:
    return next((_unknown_extras(extras) for extras in re.findall(r"\[([\w,-]+)\]", " ".join(words))), "")


def _python(words: list[str], whole: bool) -> str:
    if words[:2] == ["-m", "c3n_model"]:
        return _c3n(words[2:], whole) if words[2:] else ""
    if words[:1] == ["workspace"]:
        return "" if words[1] in ("setup", "build", "run", "clean", "key") else "workspace has no such step"
    if words[:2] == ["-m", "venv"]:
        return ""
    source = ROOT / f"{words[1].replace('.', '/')}.py"
    if words[0] != "-m" or not source.is_file():
        return "no such module"
    return _node_arguments(words[2:], source.read_text(encoding="utf-8"))


def _node_arguments(words: list[str], source: str) -> str:
    """Options that a module declares, and those of rcl after --ros-args: files and enclaves that exist."""
    own, _, of_ros = " ".join(words).partition("--ros-args")
    unknown = [word for word in own.split() if word.startswith("--") and f'"{word}"' not in source]
    if unknown:
        return f"no option {unknown[0]}"
    pairs = of_ros.split()
    for flag, value in zip(pairs[::2], pairs[1::2]):
        policy = (ROOT / "config/sros2_policy.xml").read_text(encoding="utf-8")
        if flag == "--params-file" and not (ROOT / value).is_file():
            return f"no file {value}"
        if flag == "--enclave" and f'path="{value}"' not in policy:
            return f"no enclave {value} in the policy"
    return ""


def _ros2(words: list[str], _: bool) -> str:
    verb = words[0] if words[0] in ("launch", "run") else " ".join(words[:2])
    if verb in ("topic list", "lifecycle set", "security create_keystore", "security generate_policy", "security"):
        return ""
    known = {
        "launch": _launch, "run": _run, "service call": _service, "param set": _param, "topic echo": _topic,
        "security generate_artifacts": _artifacts,
    }  # fmt: skip
    return known[verb](words[len(verb.split()) :]) if verb in known else f"nobody checks ros2 {verb}"


def _artifacts(words: list[str]) -> str:
    return "" if (ROOT / words[words.index("-p") + 1]).is_file() else "no such policy"


def _launch(words: list[str]) -> str:
    if not words:
        return ""
    path = ROOT / "launch" / words[1]
    if words[0] != "c3n_ros" or not path.is_file():
        return "no such launch file"
    source = path.read_text(encoding="utf-8")
    for name, value in (word.split(":=") for word in words[2:] if ":=" in word):
        if not re.search(rf"""^    (\(|    )?"{name}"[:,]""", source, re.M):
            return f"{words[1]} has no argument {name}"
        presets = value.split(",") if name == "preset" else []
        if missing := [one for one in presets if not (ROOT / f"config/presets/{one}.yaml").is_file()]:
            return f"no preset {missing[0]}"
    return ""


def _run(words: list[str]) -> str:
    source = ROOT / f"c3n_ros/{words[1]}.py"
    listed = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    if words[0] != "c3n_ros" or not source.is_file() or words[1] not in listed:
        return "no such node"
    return _node_arguments(words[2:], source.read_text(encoding="utf-8"))


def _service(words: list[str]) -> str:
    name, kind = words[:2]
    services = (ROOT / "c3n_ros/segmentation/ros_services.py").read_text(encoding="utf-8")
    if f'"~/{name.removeprefix("/segmentation/")}"' not in services:
        return f"no service {name}"
    package, _, file = kind.partition("/")
    if package == "c3n_ros":
        request = (ROOT / f"{file}.srv").read_text(encoding="utf-8").partition("---")[0]
        given = yaml.safe_load(words[2]) if words[2:] else {}
        if unknown := [field for field in given if not re.search(rf"^\S+ {field}\b", request, re.M)]:
            return f"{kind} has no {unknown[0]}"
    return ""


def _param(words: list[str]) -> str:
    parameters = (ROOT / "c3n_ros/segmentation/segmentation_parameters.py").read_text(encoding="utf-8")
    known = words[0] == "/segmentation" and re.search(rf"^    {words[1]}: \w+ = parameter\(", parameters, re.M)
    return "" if known else f"the node has no parameter {words[1]}"


def _topic(words: list[str]) -> str:
    name = words[0].removeprefix("/")
    kind = OUTPUTS.get(name, "")
    if not kind and name != "diagnostics":
        return f"no topic {name}"
    field = words[words.index("--field") + 1] if "--field" in words else None
    message = ROOT / f"{kind.removeprefix('c3n_ros/')}.msg"
    if field and not re.search(rf"^\S+ {field}\b", message.read_text(encoding="utf-8"), re.M):
        return f"{kind} has no {field}"
    return ""


def _docker(words: list[str], _: bool) -> str:
    path = ROOT / words[words.index("-f") + 1]
    if not path.is_file():
        return f"no file {path}"
    if words[0] == "compose":
        return "" if words[-1] in yaml.safe_load(path.read_text(encoding="utf-8"))["services"] else "no such service"
    name = words[words.index("--build-arg") + 1].partition("=")[0]
    return "" if f"ARG {name}" in path.read_text(encoding="utf-8") else f"the Dockerfile has no ARG {name}"


def _enter(words: list[str], _: bool) -> str:
    return "" if words[0].startswith(_MADE_BY_MAKE) else f"make does not write {words[0]}"


def _export(words: list[str], _: bool) -> str:
    values = [word.partition("=")[2] for word in words]
    missing = [value for value in values if value.startswith("config/") and not (ROOT / value).is_file()]
    return f"no file {missing[0]}" if missing else ""


_CHECKS: dict[str, Callable[[list[str], bool], str]] = {
    "c3n": _c3n,
    "make": _make,
    "python": _python,
    "python3": _python,
    "pip": _pip,
    "ros2": _ros2,
    "docker": _docker,
    "git": lambda words, _: "" if words[0] == "clone" else "only git clone",
    "cd": lambda words, _: "",
    ".": _enter,
    "export": _export,
} | dict.fromkeys(_OF_THE_SYSTEM, lambda words, _: "")
