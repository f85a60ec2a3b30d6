"""AVSBench's clips (S4, MS3) as a dataset, from whichever release lies on the disk.

A release is a module of four things: `TITLE`; `find(root, setting)`, its csv or None; `clips(csv, setting)`, where each
clip lies; `clip_folders(csv, setting)`, what lies there. Of two releases in one folder the first of `RELEASES` is read.
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


def find_release(root: Path, setting: str) -> tuple[ModuleType, Path] | None:
    """The release below `root` that has the setting, and its csv; None if there is none."""
    found = ((release, release.find(root, setting)) for release in RELEASES)
    return next(((release, table) for release, table in found if table), None)


def release_of(root: Path, setting: str) -> tuple[ModuleType, Path]:
    """As `find_release`, but raises FileNotFoundError, with the remedy, if there is none."""
    found = find_release(root, setting)
    if not found:
        raise _nothing_found(root, (setting,))
    return found


def settings_below(root: Path) -> list[str]:
    """The settings that lie below `root`. Raises FileNotFoundError, with the remedy, if there is none."""
    found = [setting for setting in SETTINGS if find_release(root, setting)]
    if not found:
        raise _nothing_found(root, SETTINGS)
    return found


class AVSBench(Dataset):
    """Clips of one setting and split. `dataset[i]` is a `Clip` of 224 x 224 pixels with sound at `sample_rate`.

    It holds paths only, so it may be read from several threads and workers at once.

    Raises:
        FileNotFoundError: no such dataset. ValueError: a csv without the needed columns, a split without clips, a file
        that is missing, cut or not what it should be (the message names it).
    """

    def __init__(self, root: str | Path, setting: str, split: str, sample_rate: int):
        release, table = release_of(Path(root), setting)
        self.setting, self.split, self.sample_rate = setting, split, sample_rate
        listed = release.clips(table, setting)
        self.clips = [paths for paths in listed if paths.split == split]
        if not self.clips:
            raise ValueError(f"{table} lists no clip of split {split!r}; it has {sorted({c.split for c in listed})}")

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> Clip:
        return read_clip(self.clips[index], self.sample_rate)


def _nothing_found(root: Path, settings: tuple[str, ...]) -> FileNotFoundError:
    tables = " or ".join(f"{avsbench_object.FOLDERS[setting]}/{setting}_meta_data.csv" for setting in settings)
    folders = " or ".join(avsbench_semantic.LABELS[setting] for setting in settings)
    return FileNotFoundError(
        f"{root} holds no AVSBench: neither {tables} (object release) nor metadata.csv beside {folders} (semantic "
        f"release); give the folder that does, or make scenes in the object release's layout: c3n synthesize {root}"
    )
