"""AVSBench's object release on disk (S4, MS3), read and written. `c3n synthesize` writes exactly this layout.

    s4_meta_data.csv   name, start, category, split           ms3_meta_data.csv   name, split
    s4_data/visual_frames/<split>/<category>/<name>/<name>_<1..5>.png
    s4_data/gt_masks/<split>/<category>/<name>/<name>_<1..5>.png       (train: only _1)
    s4_data/audio_wav/<split>/<category>/<name>.wav
    ms3_data/visual_frames/<name>/<name>.mp4_<1..5>.png                (no split folder)
    ms3_data/gt_masks/<split>/<name>/<name>_<1..5>.png
    ms3_data/audio_wav/<split>/<name>.wav

S4 and MS3 differ only by which frames carry a mask. Sound is read from the wav, never from the pickled log-mels.
"""

from __future__ import annotations

import csv
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import soundfile
from torch.utils.data import Dataset

from c3n_model.preprocess import snippet_from_samples
from c3n_model.sources.media import read_picture
from c3n_model.types import Clip

SETTINGS = {"s4": "Single-source", "ms3": "Multi-sources"}
CLIP_FRAMES = 5


@dataclass(frozen=True)
class ClipPaths:
    """Where one clip lies. `frames` and `masks` are five paths each; those of `masks` may not exist (S4 train)."""

    name: str
    category: str
    frames: tuple[Path, ...]
    masks: tuple[Path, ...]
    wav: Path


def setting_root(root: Path, setting: str) -> Path:
    """The folder that holds `<setting>_meta_data.csv`: `root`/Single-source, `root`/Multi-sources or `root` itself.

    Raises:
        FileNotFoundError: neither holds it.
    """
    for folder in (root / SETTINGS[setting], root):
        if (folder / f"{setting}_meta_data.csv").is_file():
            return folder
    raise FileNotFoundError(
        f"no {setting}_meta_data.csv in {root} or {root / SETTINGS[setting]}; "
        f"expected AVSBench's object release, or make scenes in its layout: c3n synthesize {root}"
    )


def settings_below(root: Path) -> list[str]:
    """The settings whose csv lies below `root`. Raises FileNotFoundError, with the remedy, if there is none."""
    found = []
    for setting in SETTINGS:
        with suppress(FileNotFoundError):
            setting_root(root, setting)
            found.append(setting)
    if not found:
        setting_root(root, next(iter(SETTINGS)))
    return found


def clip_paths(folder: Path, setting: str, name: str, split: str, category: str = "") -> ClipPaths:
    """Paths of one clip below the folder that holds the csv."""
    data, numbers = folder / f"{setting}_data", range(1, CLIP_FRAMES + 1)
    inner = Path(split, category) if setting == "s4" else Path(split)
    frames = data / "visual_frames" / (inner / name if setting == "s4" else name)
    stem = name if setting == "s4" else f"{name}.mp4"
    return ClipPaths(
        name,
        category,
        frames=tuple(frames / f"{stem}_{number}.png" for number in numbers),
        masks=tuple(data / "gt_masks" / inner / name / f"{name}_{number}.png" for number in numbers),
        wav=data / "audio_wav" / inner / f"{name}.wav",
    )


class AVSBench(Dataset):
    """Clips of one setting and split. `dataset[i]` is a `Clip` with sound at `sample_rate`.

    Raises:
        FileNotFoundError: no such dataset. ValueError: a csv without the needed columns, a split without clips, a file
        that cannot be read (the message names it).
    """

    def __init__(self, root: str | Path, setting: str, split: str, sample_rate: int):
        folder = setting_root(Path(root), setting)
        self.setting, self.split, self.sample_rate = setting, split, sample_rate
        rows = _read_rows(folder / f"{setting}_meta_data.csv", setting)
        self.clips = [clip_paths(folder, setting, *row) for row in rows if row[1] == split]
        if not self.clips:
            raise ValueError(f"{folder} lists no clip of split {split!r}; it has {sorted({row[1] for row in rows})}")

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> Clip:
        paths = self.clips[index]
        frames = np.stack([read_picture(path) for path in paths.frames])
        has_mask = np.array([path.is_file() for path in paths.masks])
        masks = np.zeros(frames.shape[:3], bool)
        for number, path in enumerate(paths.masks):
            if has_mask[number]:
                masks[number] = read_mask(path, frames.shape[1:3])
        return Clip(paths.name, frames, read_snippets(paths.wav, self.sample_rate), masks, has_mask, paths.category)


def read_mask(path: Path, size: tuple[int, int]) -> np.ndarray:
    """bool (H, W): what is not 0. Raises ValueError for a file that is no picture or of another size."""
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise ValueError(f"{path} is not a readable picture")
    if grey.shape != tuple(size):
        raise ValueError(f"mask {path} is {grey.shape[1]}x{grey.shape[0]}, its frame {size[1]}x{size[0]}")
    return grey > 0


def read_snippets(path: Path, sample_rate: int) -> np.ndarray:
    """The first five seconds, cut at whole seconds and then resampled: float32 (5, sample_rate)."""
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise ValueError(f"{path} is missing or not a readable wav: {error}") from error
    seconds = (samples[second * rate : (second + 1) * rate] for second in range(CLIP_FRAMES))
    return np.stack([snippet_from_samples(second, rate, sample_rate) for second in seconds])


def write_clip(paths: ClipPaths, clip: Clip, sound: np.ndarray, rate: int) -> None:
    """Write one clip: frames and masks as png (masks 0 / 255), `sound` float32 (n,) as 16-bit wav."""
    for file in (paths.frames[0], paths.masks[0], paths.wav):
        file.parent.mkdir(parents=True, exist_ok=True)
    for number in range(CLIP_FRAMES):
        cv2.imwrite(str(paths.frames[number]), cv2.cvtColor(clip.frames[number], cv2.COLOR_RGB2BGR))
        if clip.has_mask[number]:
            cv2.imwrite(str(paths.masks[number]), clip.masks[number].astype(np.uint8) * 255)
    soundfile.write(paths.wav, sound, rate, subtype="PCM_16")


def _read_rows(path: Path, setting: str) -> list[tuple[str, str, str]]:
    """(name, split, category) of each row. The name is read by position, as AVSBench's own code does."""
    with path.open(newline="") as file:
        reader = csv.reader(file)
        header = [column.strip() for column in next(reader, [])]
        needed = ("category", "split") if setting == "s4" else ("split",)
        missing = [column for column in needed if column not in header]
        if missing:
            raise ValueError(f"{path} has no column {', '.join(missing)}; its header is {header}")
        split, category = header.index("split"), header.index("category") if setting == "s4" else None
        return [(row[0], row[split], row[category] if category is not None else "") for row in reader if row]
