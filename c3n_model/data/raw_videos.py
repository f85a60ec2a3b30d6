"""Find the raw videos of AVSBench's object release, and sample frames and audio as AVSBench does.

raw_videos/<split>/<category>/<name>.mp4      S4
raw_videos/<name>.mp4                         MS3, whose csv lists the splits
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import soxr

from c3n_model.data.clip_files import CLIP_FRAMES, FRAME_SIZE, read_rows
from c3n_model.files.outputs import plain_name
from c3n_model.files.signatures import is_hidden
from c3n_model.sources.media import VideoSource, arrival_ns
from c3n_model.streaming.audio_buffer import JITTER_NS, AudioBuffer
from c3n_model.streaming.channels import CancellationCheck, select_channels
from c3n_model.types import FRAME_OFFSET_NS, NANOSECONDS_PER_SECOND, AudioChunk

SAMPLE_RATE = 16_000
VIDEO_SUFFIXES = (".mp4", ".mkv", ".webm", ".mov", ".avi")
_CLIP_NS = CLIP_FRAMES * NANOSECONDS_PER_SECOND
_TRUNCATED_NS = NANOSECONDS_PER_SECOND // 2  # tolerance: streams end slightly earlier than their container says


@dataclass(frozen=True)
class RawVideo:
    """A video with its split and, in S4, its category."""

    path: Path
    split: str
    category: str = ""

    @property
    def name(self) -> str:
        return self.path.stem


@dataclass(frozen=True)
class RawVideos:
    """Videos of one setting; `left_out` maps the names of unused videos and csv rows to the reason."""

    setting: str
    videos: tuple[RawVideo, ...]
    left_out: dict[str, str]


@dataclass(frozen=True)
class Sampled:
    """Five seconds of a video: `frames` uint8 (5, 224, 224, 3), RGB; `sound` float32 (80000,), mono at 16 kHz.

    `frame_repeated`: the video ended early and its last frame is repeated; `silence_added`: the audio ended early and is
    padded with silence. `cancelled`: the channels are loud, but cancel each other out in their mean.
    """

    frames: np.ndarray
    sound: np.ndarray
    frame_repeated: bool
    silence_added: bool
    cancelled: bool = False


def find_videos(folder: Path, table: Path | None = None) -> RawVideos:
    """List the videos of `folder`: S4 if they are in <split>/<category>/, MS3 if they are directly in it.

    The splits of MS3 come from `table`, by default ms3_meta_data.csv in the folder or at its place in the release.

    Raises:
        FileNotFoundError: no such folder or csv.
        ValueError: no videos, videos of both settings, or a csv without splits.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"no such folder: {folder}; pass AVSBench's raw_videos folder of one setting")
    single, several = _videos(folder, "*/*/*"), _videos(folder, "*")
    if bool(single) == bool(several):
        raise ValueError(
            f"{folder} has {len(single)} videos in <split>/<category>/ (S4) and {len(several)} directly inside (MS3); "
            "expected only one of the two: pass AVSBench's raw_videos folder of one setting"
        )
    if single:
        return RawVideos("s4", tuple(RawVideo(path, *path.parts[-3:-1]) for path in single), {})
    near = (folder / "ms3_meta_data.csv", folder.resolve().parent.parent / "ms3_meta_data.csv")
    table = table or next((path for path in near if path.is_file()), None)
    if table is None:
        raise FileNotFoundError(f"neither {near[0]} nor {near[1]} exists, which list the splits; pass a csv with --csv")
    rows = read_rows(table, ("split",))
    splits = {next(iter(row.values())): plain_name(row["split"], str(table)) for row in rows}
    videos = tuple(RawVideo(path, splits[path.stem]) for path in several if path.stem in splits)
    without_row = {path.stem: f"no row in {table}" for path in several if path.stem not in splits}
    without_video = splits.keys() - {path.stem for path in several}
    return RawVideos(
        "ms3", videos, without_row | dict.fromkeys(sorted(without_video), f"a row in {table}, but no video")
    )


def _videos(folder: Path, pattern: str) -> list[Path]:
    files = (path for path in folder.glob(pattern) if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file())
    videos = sorted(path for path in files if not is_hidden(path))
    by_stem: dict[Path, Path] = {}
    for path in videos:
        if (other := by_stem.setdefault(path.with_suffix(""), path)) is not path:
            raise ValueError(f"{other} and {path} would become the same clip {path.stem}: keep one of them")
    return videos


def sample_video(path: Path, channels: tuple[int, ...] = ()) -> Sampled:
    """Sample a video as AVSBench does, with these channels of its sound (empty for all).

    Raises ValueError if it cannot be read, is truncated, or has less than one second of sound.
    """
    source, buffer, check, cancelled = VideoSource(path, exact=True), AudioBuffer(), CancellationCheck(), False
    targets, shown, end_ns, sound_rate = frame_numbers(source.frame_rate), [None] * CLIP_FRAMES, 0, SAMPLE_RATE
    number = 0
    for item in source:
        # An audio chunk arrives when its last sample ends: the fifth second may end among frames of the sixth.
        if arrival_ns(item) >= _CLIP_NS + NANOSECONDS_PER_SECOND:
            break
        end_ns = max(end_ns, arrival_ns(item))
        if isinstance(item, AudioChunk):
            sound_rate, item = item.sample_rate, select_channels(item, channels)
            cancelled |= check.add(item)
            buffer.add(item)
            continue
        number = round(item.stamp_ns * source.frame_rate / NANOSECONDS_PER_SECOND)
        for second in range(CLIP_FRAMES):
            if number <= targets[second] or shown[second] is None:
                shown[second] = item.rgb
    if shown[0] is None:
        raise ValueError(f"{path} has no frame that can be decoded; copy it again")
    if end_ns < min(source.duration_s * NANOSECONDS_PER_SECOND, _CLIP_NS) - _TRUNCATED_NS:
        raise ValueError(
            f"{path} is truncated after {end_ns / NANOSECONDS_PER_SECOND:.1f} s of {source.duration_s:.1f} s; copy it again"
        )
    sound, heard_s = _five_seconds(buffer, sound_rate)
    if heard_s < 1:
        raise ValueError(
            f"{path} has {heard_s:.2f} s of sound, expected {CLIP_FRAMES} s and at least one; copy it again"
        )
    return Sampled(
        np.stack([cv2.resize(rgb, (FRAME_SIZE, FRAME_SIZE)) for rgb in shown]),
        sound,
        frame_repeated=number < targets[-1],
        silence_added=CLIP_FRAMES - heard_s > JITTER_NS / NANOSECONDS_PER_SECOND,
        cancelled=cancelled,
    )


def frame_numbers(frame_rate: float) -> list[int]:
    """Return the frame numbers that AVSBench samples: the last of 16 virtual samples per second, at a rounded frame rate.

    AVSBench's own code rounds the frame rate in this way; at 29.97 Hz it takes frame 149 where 15/16 of the fifth second
    would be frame 148.
    """
    whole_rate = max(round(frame_rate), 1)
    return [
        (second * NANOSECONDS_PER_SECOND + FRAME_OFFSET_NS) * whole_rate // NANOSECONDS_PER_SECOND
        for second in range(CLIP_FRAMES)
    ]


def _five_seconds(buffer: AudioBuffer, rate: int) -> tuple[np.ndarray, float]:
    """Return the audio, float32 (80000,), and how many of its seconds were recorded; resampled at once to avoid seams."""
    seconds = [buffer.read(second * NANOSECONDS_PER_SECOND, rate) for second in range(CLIP_FRAMES)]
    sound = soxr.resample(np.concatenate([samples for samples, _ in seconds]), rate, SAMPLE_RATE)
    count = CLIP_FRAMES * SAMPLE_RATE
    return np.pad(sound[:count], (0, max(count - len(sound), 0))), sum(heard for _, heard in seconds)
