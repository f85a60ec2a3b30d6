"""Layout of AVSBench's object release, for reading and writing. `c3n synthesize` writes this layout, with one more column.

s4_meta_data.csv   name, start, category, split           ms3_meta_data.csv   name, split
s4_data/visual_frames/<split>/<category>/<name>/<name>_<1..5>.png
s4_data/gt_masks/<split>/<category>/<name>/<name>_<1..5>.png       (train: only _1)
s4_data/audio_wav/<split>/<category>/<name>.wav
ms3_data/visual_frames/<name>/<name>.mp4_<1..5>.png                (no split folder)
ms3_data/gt_masks/<split>/<name>/<name>_<1..5>.png
ms3_data/audio_wav/<split>/<name>.wav
"""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import soundfile

from c3n_model.complete_file import complete_file
from c3n_model.data.clip_files import CLIP_FRAMES, ClipPaths, mask_count, read_rows
from c3n_model.files.outputs import plain_name
from c3n_model.types import Clip

TITLE = "object release"
HEADERS = {"s4": ["name", "start", "category", "split"], "ms3": ["name", "split"]}
IN_VIEW = "in_view"  # a column that `c3n synthesize` adds: all classes in view, separated by ";"
FOLDERS = {"s4": "Single-source", "ms3": "Multi-sources"}


def find(root: Path, setting: str) -> Path | None:
    """Find the setting's csv in its folder below `root` or in `root` itself; None if there is none."""
    paths = (folder / f"{setting}_meta_data.csv" for folder in (root / FOLDERS[setting], root))
    return next((path for path in paths if path.is_file()), None)


def clips(table: Path, setting: str) -> list[ClipPaths]:
    """List the clips in the setting's csv. Raises ValueError for a csv without the required columns."""
    rows = read_rows(table, ("category", "split") if setting == "s4" else ("split",))
    # The name is the first column, whatever its header: AVSBench's own code reads it by position.
    paths = []
    for row in rows:
        names = [next(iter(row.values())), row["split"], *([row["category"]] if setting == "s4" else [])]
        clip = clip_paths(table.parent, setting, *(plain_name(name, str(table)) for name in names))
        paths.append(
            replace(clip, in_view=frozenset(filter(None, [clip.category, *(row.get(IN_VIEW) or "").split(";")])))
        )
    return paths


def clip_folders(table: Path, setting: str) -> list[Path]:
    """List the frame folders on disk, whether the csv lists them or not."""
    pattern = "*/*/*" if setting == "s4" else "*"
    return [path for path in (table.parent / f"{setting}_data/visual_frames").glob(pattern) if path.is_dir()]


def clip_paths(folder: Path, setting: str, name: str, split: str, category: str = "") -> ClipPaths:
    """Return the paths of one clip; `folder` is the one that contains the csv."""
    data = folder / f"{setting}_data"
    inner = Path(split, category) if setting == "s4" else Path(split)
    frames = data / "visual_frames" / (inner / name if setting == "s4" else name)
    stem = name if setting == "s4" else f"{name}.mp4"
    masks = data / "gt_masks" / inner / name
    return ClipPaths(
        name,
        split,
        category,
        frames=tuple(frames / f"{stem}_{number}.png" for number in range(1, CLIP_FRAMES + 1)),
        masks=tuple(masks / f"{name}_{number}.png" for number in range(1, mask_count(setting, split) + 1)),
        wav=data / "audio_wav" / inner / f"{name}.wav",
    )


def write_clip(paths: ClipPaths, clip: Clip, sound: np.ndarray, rate: int) -> None:
    """Write one clip: frames and masks as PNG (masks 0 / 255), `sound` float32 (n,) as a 16-bit wav."""
    for file in (paths.frames[0], paths.masks[0], paths.wav):
        file.parent.mkdir(parents=True, exist_ok=True)
    for path, frame in zip(paths.frames, clip.frames, strict=True):
        write_png(path, cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    for path, mask in zip(paths.masks, clip.masks):
        write_png(path, mask.astype(np.uint8) * 255)
    write_sound(paths.wav, sound, rate)


def write_png(path: Path, pixels: np.ndarray) -> None:
    """Write grey or BGR pixels. Raises OSError if writing fails, for example on a full disk."""
    path.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())


def write_sound(path: Path, samples: np.ndarray, rate: int) -> None:
    """Write float (n,) in [-1, 1] as a 16-bit wav; values outside are clipped."""
    soundfile.write(path, samples, rate, subtype="PCM_16", format="WAV")


def table_row(setting: str, name: str, split: str, category: str) -> list[str]:
    """Return a clip's csv row. The column `start`, the clip's offset in its video, is 0: the videos are already trimmed."""
    return [name, "0", category, split] if setting == "s4" else [name, split]


def write_table(table: Path, header: list[str], rows: list[list[str]]) -> None:
    """Write the csv atomically."""
    with complete_file(table) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
