"""Where frames and sound come from: bags, video files, folders. All are iterated alike and yield the same nouns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from c3n_model.types import AudioChunk, Frame


class Source(Protocol):
    """Frames and sound in the order a live recorder would have seen them, from the start with every iteration.

    `operator.length_hint` gives about how many items there will be. `notes` are lines for people about what had to be
    guessed.
    """

    name: str
    duration_s: float
    notes: Sequence[str]

    def __iter__(self) -> Iterator[Frame | AudioChunk]: ...

    def __length_hint__(self) -> int: ...


def open_source(path: Path | str, image_topic: str | None = None, audio_topic: str | None = None) -> Source:
    """The source that lies at `path`, told by what is there.

    | path | source |
    |---|---|
    | a folder with metadata.yaml or storage files, a .mcap or .db3 file | `BagSource` (the topics are for bags) |
    | any other folder: pictures and a .wav | `FolderSource` |
    | any other file | `VideoSource` |

    Raises FileNotFoundError if there is nothing at `path`, ValueError if it cannot be read or lacks pictures or sound.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(
            f"nothing lies at {path}; expected a bag, a video file or a folder of pictures with a .wav"
        )
    bag_suffixes = (".mcap", ".db3")
    is_bag_folder = path.is_dir() and any(
        file.name == "metadata.yaml" or file.suffix in bag_suffixes for file in path.iterdir()
    )
    if is_bag_folder or path.suffix in bag_suffixes:
        from c3n_model.sources.bag import BagSource

        return BagSource(path, image_topic, audio_topic)
    from c3n_model.sources.media import FolderSource, VideoSource

    return FolderSource(path) if path.is_dir() else VideoSource(path)
