"""Parameters that a node was started with and does not use: misspelt names, and files with sections for other nodes only."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from rclpy.node import Node

# Declared by rclpy itself, or when the node subscribes.
_OTHERS = ("use_sim_time", "start_type_description_service", "qos_overrides.")


def unused_parameters(node: Node, arguments: Sequence[str] | None = None) -> str:
    """Return "" or which parameters `node` was started with and does not know, with the nearest names, in one line.

    To be called once its parameters are declared. `arguments` are those of the process (default sys.argv), whose parameter
    files are checked for sections that match the node.
    """
    declared = [name for name in node._parameters if not name.startswith(_OTHERS)]
    given = [name for name in node._parameter_overrides if not name.startswith(_OTHERS)]  # rclpy has no public access
    texts = [_unknown(name, declared) for name in given if not node.has_parameter(name)]
    own_name = node.get_fully_qualified_name()
    for path in parameter_files(sys.argv if arguments is None else arguments):
        sections = list(section_names(_content(path)))
        if sections and not any(section_matches(section, own_name) for section in sections):
            nearest = _nearest(own_name, sections)
            texts.append(
                f"{path} has no section for {own_name}, so nothing of it is used{nearest}; rename it, or use /**"
            )
    if not texts:
        return ""
    return f"{'; '.join(texts)}. `ros2 param list {own_name}` shows the parameters"


def parameter_files(arguments: Iterable[str]) -> Iterator[Path]:
    """Yield the files of `--params-file` in the arguments of a process."""
    arguments = list(arguments)
    for flag, value in zip(arguments, arguments[1:]):
        if flag == "--params-file":
            yield Path(value)


def section_names(content: Any, prefix: str = "") -> Iterator[str]:
    """Yield the node names, with wildcards, of the sections of a parameter file: of each `ros__parameters`."""
    for key, value in content.items() if isinstance(content, dict) else ():
        if key == "ros__parameters":
            yield prefix or "/**"
        else:
            yield from section_names(value, f"{prefix.rstrip('/')}/{str(key).strip('/')}")


def section_matches(section: str, node_name: str) -> bool:
    """Return whether a section is for the node: `*` stands for one name of a path and `**` for any number of them."""
    pattern = re.escape(section).replace(r"/\*\*", "(/[^/]+)*").replace(r"\*", "[^/]+")
    return re.fullmatch(pattern, node_name) is not None


def _content(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}  # rcl has read it already, or refused it


def _unknown(name: str, declared: Iterable[str]) -> str:
    return f"unknown parameter {name} is not used{_nearest(name, declared)}"


def _nearest(name: str, known: Iterable[str]) -> str:
    matches = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" (nearest: {matches[0]})" if matches else ""
