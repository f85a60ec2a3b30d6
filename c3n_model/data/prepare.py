"""Convert raw videos to frames, masks and audio in the layout of AVSBench's object release, as its authors did.

The frame of a second is the one shown at 15/16 of it, resized to 224 x 224 (bilinear); the audio is mono, 16 kHz, 16 bit.
Complete files are kept, so that an interrupted run can be resumed.
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
    """Result by video name: `made`, `kept` from an earlier run, `failed` with the reason.

    Videos in `frame_repeated` and `silence_added` ended early, so the last frame was repeated or silence was appended. For those
    in `cancelled` the mean of the channels is nearly silent although the channels are not.
    """

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
    """Write the clips to `out` and list them in its csv. A video that cannot be used does not stop the others.

    `channels` are the audio channels to use, counted from 0; empty for all. `masks` has the layout of the release's gt_masks;
    without it only frames and audio are written, which do not suffice for training.
    """
    folder = out / FOLDERS[videos.setting]
    made, kept, frame_repeated, silence_added, cancelled = [], [], [], [], []
    failed = dict(videos.left_out)
    for video in progress(videos.videos, f"{videos.setting} videos"):
        paths = clip_paths(folder, videos.setting, video.name, video.split, video.category)
        missing = [path for path in (paths.files() if masks else (*paths.frames, paths.wav)) if not _is_complete(path)]
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
    """Add missing clips to the csv; existing rows stay unchanged."""
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / f"{setting}_meta_data.csv"
    former = read_rows(table, HEADERS[setting][1:]) if table.is_file() else []
    listed = {next(iter(row.values())) for row in former}
    new = [table_row(setting, v.name, v.split, v.category) for v in videos if v.name not in listed]
    write_table(table, list(former[0]) if former else HEADERS[setting], [*(list(row.values()) for row in former), *new])


def _is_complete(path: Path) -> bool:
    """Check that a file exists and was not truncated by an interrupted run."""
    try:
        read_sound(path) if path.suffix == ".wav" else open_picture(path)
    except ValueError:
        return False
    return True


def _copy_mask(source: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_png(path, squash_mask(read_mask(source)).astype(np.uint8) * 255)


def _write(paths: ClipPaths, frames: np.ndarray, sound: np.ndarray, missing: list[Path]) -> None:
    """Write the frames and the audio file that are in `missing`."""
    for file in (paths.frames[0], paths.wav):
        file.parent.mkdir(parents=True, exist_ok=True)
    for path, frame in zip(paths.frames, frames, strict=True):
        if path in missing:
            write_png(path, cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    if paths.wav in missing:
        write_sound(paths.wav, sound, SAMPLE_RATE)


def _names(videos: list[RawVideo]) -> tuple[str, ...]:
    return tuple(video.name for video in videos)
