"""Sources of frames and sound: bags, video files and folders of images, with one interface."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from c3n_model.files.signatures import MCAP, SQLITE3, first_bytes, is_hidden, refuse_stand_in
from c3n_model.types import AudioChunk, Frame

BAG_ENDINGS = (".mcap", ".db3", ".mcap.zstd", ".db3.zstd")


class Source(Protocol):
    """Frames and sound in the order in which they would arrive live; each iteration starts from the beginning.

    `operator.length_hint` estimates the number of items. `notes` are messages for the user about what was chosen, assumed,
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
    """Open a recording; the type of source depends on `path`:

    | path | source |
    |---|---|
    | a folder with metadata.yaml or storage files, a storage file (.mcap, .db3) | `BagSource`, of the given topics |
    | any other folder, with images and a .wav | `FolderSource` |
    | any other file | `VideoSource` |

    `allow_silent`: give digital silence for a video without a sound track or a folder without a .wav, instead of refusing it.

    Raises FileNotFoundError if `path` does not exist, ValueError if it cannot be read or has no images or no sound; the message
    names Git LFS pointers, ROS 1 bags, web pages and empty files.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(
            f"no such file or folder: {path}; expected a bag, a video file or a folder of images with a .wav"
        )
    if path.is_file():
        refuse_stand_in(path)
    if _is_bag(path):
        from c3n_model.sources.bag import BagSource

        return BagSource(path, image_topic, audio_topic)
    from c3n_model.sources.media import FolderSource, VideoSource

    return FolderSource(path, allow_silent) if path.is_dir() else VideoSource(path, allow_silent)


def _is_bag(path: Path) -> bool:
    """Return whether a folder holds metadata.yaml or storage files, or a file is a storage file."""
    if path.is_file():
        return path.name.endswith(BAG_ENDINGS) or first_bytes(path).startswith((MCAP, SQLITE3))
    names = [file.name for file in path.iterdir() if not is_hidden(file)]
    return "metadata.yaml" in names or any(name.endswith(BAG_ENDINGS) for name in names)
