"""AVSBench (S4, MS3) as a dataset, read from either of its releases.

Each release is a module with `TITLE`; `find(root, setting)`, which returns its csv or None; `clips(csv, setting)`, the paths
of the listed clips; and `clip_folders(csv, setting)`, the folders on disk. If a folder holds both releases, the first in
`RELEASES` is read.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from torch.utils.data import Dataset

from c3n_model.data import avsbench_object, avsbench_semantic
from c3n_model.data.clip_files import read_clip
from c3n_model.types import Clip

SETTINGS = ("s4", "ms3")
RELEASES = (avsbench_object, avsbench_semantic)
SHARDS = "shard_"  # folders of a large set begin with this; each is a release of its own


def find_release(root: Path, setting: str) -> tuple[ModuleType, Path] | None:
    """Find the release in `root` that contains the setting, and its csv; None if there is none."""
    candidates = ((release, release.find(root, setting)) for release in RELEASES)
    return next(((release, table) for release, table in candidates if table), None)


def release_of(root: Path, setting: str) -> tuple[ModuleType, Path]:
    """Find the release as `find_release` does. Raises FileNotFoundError if there is none."""
    release = find_release(root, setting)
    if not release:
        raise _missing_error(root, (setting,))
    return release


def tables_below(root: Path, setting: str) -> list[tuple[ModuleType, Path]]:
    """Find the release in `root`, or else those in its folders `shard_*`, with their csv files."""
    release = find_release(root, setting)
    shards = (find_release(shard, setting) for shard in sorted(root.glob(f"{SHARDS}*")))
    return [release] if release else [found for found in shards if found]


def settings_below(root: Path) -> list[str]:
    """List the settings in `root`. Raises FileNotFoundError if there are none."""
    settings = [setting for setting in SETTINGS if tables_below(root, setting)]
    if not settings:
        raise _missing_error(root, SETTINGS)
    return settings


class AVSBench(Dataset):
    """Clips of one setting and split. `dataset[i]` is a `Clip` of 224 x 224 pixels with audio at `sample_rate`.

    Stores only paths, so it can be read from several threads and workers at once. If `root` contains no release but folders
    `shard_*` do (c3n compose), all of their clips are read.

    Raises:
        FileNotFoundError: no such dataset.
        ValueError: a csv without the required columns, a split without clips, or a file that is missing, truncated or
        invalid (the message names it).
    """

    def __init__(self, root: str | Path, setting: str, split: str, sample_rate: int):
        tables = tables_below(Path(root), setting)
        if not tables:
            raise _missing_error(Path(root), (setting,))
        self.setting, self.split, self.sample_rate = setting, split, sample_rate
        listed = [paths for release, table in tables for paths in release.clips(table, setting)]
        self.clips = [paths for paths in listed if paths.split == split]
        if not self.clips:
            raise ValueError(
                f"{tables[0][1]} lists no clips of split {split!r}; available splits: {sorted({c.split for c in listed})}"
            )

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> Clip:
        return read_clip(self.clips[index], self.sample_rate)


def splits_of(root: Path, setting: str) -> set[str]:
    """Return the splits of a setting that have clips. Raises ValueError for a csv that cannot be read."""
    return {paths.split for release, table in tables_below(root, setting) for paths in release.clips(table, setting)}


def _missing_error(root: Path, settings: tuple[str, ...]) -> FileNotFoundError:
    tables = " or ".join(f"{avsbench_object.FOLDERS[setting]}/{setting}_meta_data.csv" for setting in settings)
    folders = " or ".join(avsbench_semantic.LABELS[setting] for setting in settings)
    return FileNotFoundError(
        f"{root} does not contain AVSBench: expected {tables} (object release) or metadata.csv next to {folders} (semantic "
        f"release); pass the folder that contains them, or generate scenes in the same layout: c3n synthesize {root}"
    )
