"""Find the recordings in files and folders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from c3n_model.data.raw_videos import VIDEO_SUFFIXES
from c3n_model.files.signatures import is_hidden
from c3n_model.sources import BAG_ENDINGS
from c3n_model.sources.media import pictures_in


def list_recordings(paths: Sequence[Path], *, but_not: Path) -> list[Path]:
    """List what `open_source` opens: each file, and of each folder the recordings at any depth.

    A folder with metadata.yaml is one bag; without it every storage file is a recording. A folder with images and neither videos nor bags
    is one recording. Nothing within the folder `but_not` is listed.

    Raises FileNotFoundError for a path that does not exist, ValueError for a folder without recordings.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(f"no such file or folder: {path}; expected bags, videos or folders of them")
        inside = [path] if path.is_file() else list(_below(path, but_not.resolve()))
        if not inside:
            raise ValueError(f"{path} has no bag, no video ({', '.join(VIDEO_SUFFIXES)}) and no images in it")
        found += inside
    return list(dict.fromkeys(found))


def _below(folder: Path, but_not: Path) -> Iterator[Path]:
    if folder.resolve() == but_not:
        return
    if (folder / "metadata.yaml").is_file():
        yield folder
        return
    children = [child for child in sorted(folder.iterdir()) if not is_hidden(child)]
    files = [child for child in children if child.is_file() and _is_recording(child)]
    if not files and (pictures_in(folder) or pictures_in(folder / "frames")):
        yield folder
        return
    yield from files
    for child in children:
        if child.is_dir():
            yield from _below(child, but_not)


def _is_recording(path: Path) -> bool:
    return path.suffix.lower() in VIDEO_SUFFIXES or path.name.endswith(BAG_ENDINGS)
