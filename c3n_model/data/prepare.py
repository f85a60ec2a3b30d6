"""Raw videos to frames, masks and sounds in the layout of AVSBench's object release, as its authors made them.

The frame of a second is the one on display at 15/16 of it, squashed to 224 x 224 (bilinear); the sound is mono, 16 kHz,
16 bits. A file that lies there whole is kept, so that a run can be taken up again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from c3n_model.data.avsbench_object import FOLDERS, HEADERS, clip_paths, table_row, write_png, write_sound, write_table
from c3n_model.data.clip_files import ClipPaths, read_mask, read_rows, read_sound, squash_mask
from c3n_model.data.raw_videos import SAMPLE_RATE, RawVideo, RawVideos, sample_video
from c3n_model.progress import Progress
from c3n_model.sources.picture_files import open_picture


@dataclass(frozen=True)
class Prepared:
    """What became of the videos, by name: `made`, `kept` from an earlier run, `failed` and why. Some of the made ones
    ended early: their last `frame_repeated`, `silence_added` to their sound. In those `cancelled`, the mean of the channels is
    nearly silent though the channels are not."""

    folder: Path
    made: tuple[str, ...]
    kept: tuple[str, ...]
    frame_repeated: tuple[str, ...]
    silence_added: tuple[str, ...]
    cancelled: tuple[str, ...]
    failed: dict[str, str]


def prepare(
    videos: RawVideos, masks: Path | None, out: Path, progress: Progress, channels: tuple[int, ...] = ()
) -> Prepared:
    """Make the clips below `out` and list them in its csv. A video that cannot be used does not stop the others.

    `channels` of the sound are used, counted from 0; empty for all. `masks` is laid out as the release's gt_masks; without it frames and sounds are made, and nothing can be trained.
    """
    folder = out / FOLDERS[videos.setting]
    made, kept, frame_repeated, silence_added, cancelled = [], [], [], [], []
    failed = dict(videos.left_out)
    for video in progress(videos.videos, f"{videos.setting} videos"):
        paths = clip_paths(folder, videos.setting, video.name, video.split, video.category)
        missing = [path for path in (paths.files() if masks else (*paths.frames, paths.wav)) if not _lies_whole(path)]
        if not missing:
            kept.append(video)
            continue
        try:
            for path in (path for path in missing if path in paths.masks):
                _copy_mask(masks / path.relative_to(folder / f"{videos.setting}_data/gt_masks"), path)
            sampled = sample_video(video.path, channels)
            _write(paths, sampled.frames, sampled.sound, missing)
        except (ValueError, OSError) as error:
            failed[video.name] = str(error)
            continue
        made.append(video)
        if sampled.frame_repeated:
            frame_repeated.append(video.name)
        if sampled.silence_added:
            silence_added.append(video.name)
        if sampled.cancelled:
            cancelled.append(video.name)
    _list_clips(folder, videos.setting, [*made, *kept])
    return Prepared(
        folder, _names(made), _names(kept), tuple(frame_repeated), tuple(silence_added), tuple(cancelled), failed
    )


def _list_clips(folder: Path, setting: str, videos: list[RawVideo]) -> None:
    """Add to the csv what it does not list yet; rows that stand there stay as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / f"{setting}_meta_data.csv"
    former = read_rows(table, HEADERS[setting][1:]) if table.is_file() else []
    listed = {next(iter(row.values())) for row in former}
    new = [table_row(setting, v.name, v.split, v.category) for v in videos if v.name not in listed]
    write_table(table, list(former[0]) if former else HEADERS[setting], [*(list(row.values()) for row in former), *new])


def _lies_whole(path: Path) -> bool:
    """Whether a file is there, and not cut by the end of an earlier run."""
    try:
        read_sound(path) if path.suffix == ".wav" else open_picture(path)
    except ValueError:
        return False
    return True


def _copy_mask(source: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_png(path, squash_mask(read_mask(source)).astype(np.uint8) * 255)


def _write(paths: ClipPaths, frames: np.ndarray, sound: np.ndarray, missing: list[Path]) -> None:
    """Write those of the frames, and the sound, that are missing."""
    for file in (paths.frames[0], paths.wav):
        file.parent.mkdir(parents=True, exist_ok=True)
    for path, frame in zip(paths.frames, frames, strict=True):
        if path in missing:
            write_png(path, cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    if paths.wav in missing:
        write_sound(paths.wav, sound, SAMPLE_RATE)


def _names(videos: list[RawVideo]) -> tuple[str, ...]:
    return tuple(video.name for video in videos)
