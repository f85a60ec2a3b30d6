"""The commands of `c3n`, one file each; `recording` holds arguments that several of them share.

`add(commands)` declares the arguments, `run(options, command_line)` returns the text to print. Slow imports are inside
`run`, so that `c3n --help` is instant.
"""

from __future__ import annotations


class Unsuccessful(Exception):
    """Report problems found by a command that completed: the report is printed and the exit code is 1."""


# Packages that only some commands need -> the extra of pyproject.toml that installs them.
EXTRAS = {
    "crc32c": "train",
    "google": "train",  # protobuf
    "sklearn": "train",
    "tensorboard": "train",
    "tfrecord": "train",
    "spacy": "labels",
    "jinja2": "report",
    "matplotlib": "report",
    "starlette": "live",
    "uvicorn": "live",
    "ai_edge_litert": "zero-shot",
    "onnxruntime": "zero-shot",
    "transformers": "open-vocabulary",
    "onnx": "export",
    "onnxscript": "export",
    "openvino": "openvino",
}


def missing_extra(error: ModuleNotFoundError) -> str | None:
    """Name the extra that installs a missing module; None if the module does not belong to an extra."""
    module = (error.name or "").partition(".")[0]
    if module not in EXTRAS:
        return None
    from c3n_model.environment import install_command

    return f"{module} is not installed: {install_command(EXTRAS[module])}"
