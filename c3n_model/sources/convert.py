"""Convert a video to a bag and a bag to a video."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from c3n_model.progress import Progress, silent
from c3n_model.sources import Source
from c3n_model.sources.bag import BagSource
from c3n_model.sources.bag_writer import BagWriter
from c3n_model.sources.video_writer import VideoWriter
from c3n_model.types import NANOSECONDS_PER_SECOND, AudioChunk

# A whole second, since windows begin at whole seconds: the bag then has the same windows as the video.
START_NS = 1_700_000_000 * NANOSECONDS_PER_SECOND
CHUNKS_PER_SECOND = 50  # audio_capture delivers 10 to 20 ms


def bag_from_media(
    source: Source,
    bag_path: Path | str,
    storage: str = "mcap",
    image_topic: str = "/camera/image_raw",
    audio_topic: str = "/audio/audio_stamped",
    start_ns: int = START_NS,
    progress: Progress = silent,
) -> None:
    """Write a bag like one of a camera and audio_capture: rgb8; S16LE in chunks of at most 20 ms, AudioInfo first.

    Stamps are `start_ns` + those of the source. Raises FileExistsError if `bag_path` exists, ValueError for a storage other
    than "mcap" and "sqlite3", and all errors of the source.
    """
    with BagWriter(bag_path, storage, image_topic, audio_topic) as writer:
        for item in progress(source, f"writing {Path(bag_path).name}"):
            for part in _split(item) if isinstance(item, AudioChunk) else (item,):
                writer.write(replace(part, stamp_ns=start_ns + part.stamp_ns))


def media_from_bag(bag: BagSource, video_path: Path | str, progress: Progress = silent) -> None:
    """Write a bag's frames and sound to an mp4 file.

    Raises FileExistsError if `video_path` exists, ValueError for a bag without a frame, all errors of the bag, and OSError.
    """
    if Path(video_path).exists():
        raise FileExistsError(f"{video_path} exists already: remove it or choose another name")
    with VideoWriter(video_path) as writer:
        for item in progress(bag, f"writing {Path(video_path).name}"):
            writer.write(item)
    if not writer.frames_written:
        raise ValueError(f"{bag.path} has no frame on {bag.image_topic}: no video was written")


def _split(chunk: AudioChunk) -> Iterator[AudioChunk]:
    """Split a chunk into equal chunks of at most 20 ms."""
    count = -(-len(chunk.samples) * CHUNKS_PER_SECOND // chunk.sample_rate)
    at = 0
    for samples in np.array_split(chunk.samples, max(count, 1)):
        yield replace(
            chunk, samples=samples, stamp_ns=chunk.stamp_ns + at * NANOSECONDS_PER_SECOND // chunk.sample_rate
        )
        at += len(samples)
