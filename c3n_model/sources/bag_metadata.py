"""Read metadata.yaml of a rosbag2 recording: the names of its files and the number of messages per topic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath

import yaml

from c3n_model.files.signatures import refuse_stand_in

METADATA = "metadata.yaml"
_MAX_BYTES = 2**24


@dataclass(frozen=True)
class BagMetadata:
    """`files` of the recording in order, empty if unknown; `message_counts` by (topic, type); `notes` for the user."""

    files: tuple[Path, ...] = ()
    message_counts: Mapping[tuple[str, str], int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_metadata(folder: Path) -> BagMetadata:
    """Read metadata.yaml in `folder`. If it is damaged, return empty metadata with a note: the storage files suffice.

    Raises ValueError if the file is something else (see `files.signatures`).
    """
    path = folder / METADATA
    if not path.is_file():
        return BagMetadata()
    refuse_stand_in(path)
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError(f"expected at most {_MAX_BYTES} bytes, got {path.stat().st_size}")
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)["rosbag2_bagfile_information"]
        files = tuple(folder / PurePath(_text(name)).name for name in content["relative_file_paths"])
        counts: dict[tuple[str, str], int] = {}
        for entry in content["topics_with_message_count"]:
            key = (_text(entry["topic_metadata"]["name"]), _text(entry["topic_metadata"]["type"]))
            counts[key] = counts.get(key, 0) + int(entry["message_count"])
    except (yaml.YAMLError, ValueError, KeyError, TypeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        note = f"{path} cannot be read ({reason}): the storage files are read without it; `ros2 bag reindex {folder}` recreates it"
        return BagMetadata(notes=(note,))
    return BagMetadata(files, counts)


def _text(value: object) -> str:
    """Return `value` if it is text. Other values are not printed, because YAML aliases can make them endless."""
    if not isinstance(value, str):
        raise TypeError(f"expected text, got a {type(value).__name__}")
    return value


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
