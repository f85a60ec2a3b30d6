"""Sources of frames and sound: bags, video files and folders of pictures, all iterated alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from c3n_model.files.signatures import MCAP, SQLITE3, first_bytes, is_hidden, refuse_stand_in
from c3n_model.types import AudioChunk, Frame

_BAG_ENDINGS = (".mcap", ".db3", ".mcap.zstd", ".db3.zstd")


class Source(Protocol):
    """Frames and sound in the order in which a live recorder would have seen them; each iteration starts anew.

    `operator.length_hint` estimates the number of items. `notes` are lines for people about what was chosen, guessed,
    damaged or missing; they are complete after an iteration.
    """

    name: str
    duration_s: float
    notes: Sequence[str]
    has_sound: bool  # False: what it gives as sound is digital silence

    def __iter__(self) -> Iterator[Frame | AudioChunk]: ...

    def __length_hint__(self) -> int: ...


def open_source(
    path: Path | str, image_topic: str | None = None, audio_topic: str | None = None, *, allow_silent: bool = False
) -> Source:
    """Open what lies at `path`, which decides the kind of source:

    | path | source |
    |---|---|
    | a folder with metadata.yaml or storage files, a storage file (.mcap, .db3) | `BagSource`, of the given topics |
    | any other folder, with pictures and a .wav | `FolderSource` |
    | any other file | `VideoSource` |

    `allow_silent`: give digital silence for a video without a sound track or a folder without a .wav, instead of refusing it.

    Raises FileNotFoundError if nothing is at `path`, ValueError if it cannot be read or lacks pictures or sound; the message
    names Git LFS pointers, ROS 1 bags, web pages and empty files.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(
            f"nothing lies at {path}; expected a bag, a video file or a folder of pictures with a .wav"
        )
    if path.is_file():
        refuse_stand_in(path)
    if _is_bag(path):
        from c3n_model.sources.bag import BagSource

        return BagSource(path, image_topic, audio_topic)
    from c3n_model.sources.media import FolderSource, VideoSource

    return FolderSource(path, allow_silent) if path.is_dir() else VideoSource(path, allow_silent)


def _is_bag(path: Path) -> bool:
    """Whether a folder holds metadata.yaml or storage files, or a file is one."""
    if path.is_file():
        return path.name.endswith(_BAG_ENDINGS) or first_bytes(path).startswith((MCAP, SQLITE3))
    names = [file.name for file in path.iterdir() if not is_hidden(file)]
    return "metadata.yaml" in names or any(name.endswith(_BAG_ENDINGS) for name in names)
