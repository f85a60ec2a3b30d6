"""The commands of `c3n`, one file each (`recording` is what two of them share): `add(commands)` declares the arguments, `run(options, command_line)` returns the
text to print. What is heavy to import is imported inside `run`, so that `c3n --help` is instant."""

from __future__ import annotations


class Unsuccessful(Exception):
    """A command did its work, and its report says that something is left to be done: printed, with exit code 1."""


# Packages that only some commands need, and the extra of pyproject.toml that has them.
EXTRAS = {
    "crc32c": "train",
    "google": "train",  # protobuf
    "sklearn": "train",
    "tensorboard": "train",
    "tfrecord": "train",
    "spacy": "labels",
    "jinja2": "report",
    "matplotlib": "report",
    "scipy": "report",
    "ai_edge_litert": "zero-shot",
    "onnxruntime": "zero-shot",
}


def missing_extra(error: ModuleNotFoundError) -> str | None:
    """The line that names the extra to install, or None where the missing module belongs to none."""
    module = (error.name or "").partition(".")[0]
    if module not in EXTRAS:
        return None
    extra = EXTRAS[module]
    return f'{module} is not installed: pip install "c3n-ros[{extra}]", or ".[{extra}]" in the repository'
