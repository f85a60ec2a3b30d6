"""Raw videos as AVSBench's object release has them, and what AVSBench takes from one.

raw_videos/<split>/<category>/<name>.mp4      S4
raw_videos/<name>.mp4                         MS3, whose csv knows the splits
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import soxr

from c3n_model.data.clip_files import CLIP_FRAMES, FRAME_SIZE, read_rows
from c3n_model.sources.media import VideoSource, arrival_ns
from c3n_model.streaming.audio_buffer import JITTER_NS, AudioBuffer
from c3n_model.streaming.channels import CancellationCheck, select_channels
from c3n_model.types import FRAME_OFFSET_NS, NANOSECONDS_PER_SECOND, AudioChunk

SAMPLE_RATE = 16_000
VIDEO_SUFFIXES = (".mp4", ".mkv", ".webm", ".mov", ".avi")
_CLIP_NS = CLIP_FRAMES * NANOSECONDS_PER_SECOND
_BROKEN_OFF_NS = NANOSECONDS_PER_SECOND // 2  # streams end a little earlier than their container says


@dataclass(frozen=True)
class RawVideo:
    """A video and what the release says of it."""

    path: Path
    split: str
    category: str = ""

    @property
    def name(self) -> str:
        return self.path.stem


@dataclass(frozen=True)
class RawVideos:
    """The videos of one setting; `left_out`, by name, tells why a video or a row of the csv is none of them."""

    setting: str
    videos: tuple[RawVideo, ...]
    left_out: dict[str, str]


@dataclass(frozen=True)
class Sampled:
    """Five seconds of a video: `frames` uint8 (5, 224, 224, 3), RGB; `sound` float32 (80000,), mono at 16 kHz.

    `frame_repeated`: the pictures ended early, and the last one stands for the rest; `silence_added`: so for the sound.
    `cancelled`: the channels of the sound are loud, but cancel each other out in their mean.
    """

    frames: np.ndarray
    sound: np.ndarray
    frame_repeated: bool
    silence_added: bool
    cancelled: bool = False


def find_videos(folder: Path, table: Path | None = None) -> RawVideos:
    """The videos of `folder`: of S4 if they lie in <split>/<category>/, of MS3 if they lie directly in it.

    MS3's splits come from `table`, by default the release's csv in the folder or where the release has it.

    Raises:
        FileNotFoundError: no such folder or csv. ValueError: no videos or both kinds, a csv without splits.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"no such folder: {folder}; give AVSBench's raw_videos of one setting")
    single, several = _videos(folder, "*/*/*"), _videos(folder, "*")
    if bool(single) == bool(several):
        raise ValueError(
            f"{folder} has {len(single)} videos in <split>/<category>/ (S4) and {len(several)} directly inside (MS3); "
            "expected one of the two: give AVSBench's raw_videos of one setting"
        )
    if single:
        return RawVideos("s4", tuple(RawVideo(path, *path.parts[-3:-1]) for path in single), {})
    near = (folder / "ms3_meta_data.csv", folder.parent.parent / "ms3_meta_data.csv")
    table = table or next((path for path in near if path.is_file()), None)
    if table is None:
        raise FileNotFoundError(f"neither {near[0]} nor {near[1]}, which would tell the splits; give a csv with --csv")
    splits = {next(iter(row.values())): row["split"] for row in read_rows(table, ("split",))}
    videos = tuple(RawVideo(path, splits[path.stem]) for path in several if path.stem in splits)
    without_row = {path.stem: f"no row in {table}" for path in several if path.stem not in splits}
    without_video = splits.keys() - {path.stem for path in several}
    return RawVideos(
        "ms3", videos, without_row | dict.fromkeys(sorted(without_video), f"a row in {table}, but no video")
    )


def _videos(folder: Path, pattern: str) -> list[Path]:
    return sorted(path for path in folder.glob(pattern) if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file())


def sample_video(path: Path, channels: tuple[int, ...] = ()) -> Sampled:
    """What AVSBench takes from a video, with these channels of its sound (empty for all). Raises ValueError if it cannot be read, breaks off, or has less than a second of
    sound."""
    source, buffer, check, cancelled = VideoSource(path), AudioBuffer(), CancellationCheck(), False
    wanted, shown, end_ns, sound_rate = frame_numbers(source.frame_rate), [None] * CLIP_FRAMES, 0, SAMPLE_RATE
    number = 0
    for item in source:
        # A chunk comes when its last sample is over: the fifth second may end among pictures of the sixth.
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
            if number <= wanted[second] or shown[second] is None:
                shown[second] = item.rgb
    if shown[0] is None:
        raise ValueError(f"{path} has no picture that can be decoded; is it whole?")
    if end_ns < min(source.duration_s * NANOSECONDS_PER_SECOND, _CLIP_NS) - _BROKEN_OFF_NS:
        raise ValueError(
            f"{path} breaks off after {end_ns / NANOSECONDS_PER_SECOND:.1f} s of {source.duration_s:.1f} s; copy it again"
        )
    sound, heard_s = _five_seconds(buffer, sound_rate)
    if heard_s < 1:
        raise ValueError(
            f"{path} has {heard_s:.2f} s of sound, expected {CLIP_FRAMES} s and at least one; copy it again"
        )
    return Sampled(
        np.stack([cv2.resize(rgb, (FRAME_SIZE, FRAME_SIZE)) for rgb in shown]),
        sound,
        frame_repeated=number < wanted[-1],
        silence_added=CLIP_FRAMES - heard_s > JITTER_NS / NANOSECONDS_PER_SECOND,
        cancelled=cancelled,
    )


def frame_numbers(frame_rate: float) -> list[int]:
    """Which frames of a video AVSBench takes: of 16 virtual samples a second the last, counted as if the rate were whole.

    AVSBench's own code rounds the rate so; from 29.97 Hz it takes the 149th frame where 15/16 of the fifth second
    would be the 148th.
    """
    whole_rate = max(round(frame_rate), 1)
    return [
        (second * NANOSECONDS_PER_SECOND + FRAME_OFFSET_NS) * whole_rate // NANOSECONDS_PER_SECOND
        for second in range(CLIP_FRAMES)
    ]


def _five_seconds(buffer: AudioBuffer, rate: int) -> tuple[np.ndarray, float]:
    """float32 (80000,), and how many of its seconds were heard. It is resampled as one piece, without seams."""
    seconds = [buffer.read(second * NANOSECONDS_PER_SECOND, rate) for second in range(CLIP_FRAMES)]
    sound = soxr.resample(np.concatenate([samples for samples, _ in seconds]), rate, SAMPLE_RATE)
    count = CLIP_FRAMES * SAMPLE_RATE
    return np.pad(sound[:count], (0, max(count - len(sound), 0))), sum(heard for _, heard in seconds)
