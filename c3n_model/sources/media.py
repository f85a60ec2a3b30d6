"""Video files and folders of pictures as sources of frames and sound, through PyAV (FFmpeg).

Stamps count from the start of the file. Frames and chunks come in the order in which a live recorder would have seen
them: a frame at its stamp, sound when its last sample is over.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from c3n_model.sources.picture_files import read_picture
from c3n_model.types import FRAME_OFFSET_NS, NANOSECONDS_PER_SECOND, AudioChunk, Frame

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
_SILENCE = np.zeros((1600, 1), np.float32)  # 100 ms
_SILENCE_RATE = 16_000
_NO_SOUND = (
    "{} has no sound, and C3N needs to hear what it looks for; add a sound track, for example with "
    "ffmpeg -i video -i sound.wav -c:v copy out.mp4"
)


def arrival_ns(item: Frame | AudioChunk) -> int:
    """When a live recorder has the item: a frame at its stamp, sound when its last sample is over."""
    return item.end_ns if isinstance(item, AudioChunk) else item.stamp_ns


class VideoSource:
    """The frames and the sound of a video file; can be iterated again and again.

    Frames keep the file's own times (also of variable frame rate) and are turned upright where the file says so. Sound
    has the file's rate and channels. `duration_s`, `frame_rate` (mean) and `name` describe the file.

    Raises FileNotFoundError if there is no such file, ValueError if it is no video or has no sound; while iterating,
    ValueError where the file is damaged.
    """

    notes = ()

    def __init__(self, path: Path | str, allow_silent: bool = False):
        """`allow_silent`: give digital silence for a video that has no sound track, instead of refusing it."""
        self.path = Path(path)
        self.name = self.path.stem
        with _open(self.path) as container:
            if not container.streams.video:
                raise ValueError(
                    f"{path} has no pictures, only {', '.join(stream.type for stream in container.streams)}"
                )
            self._has_sound = bool(container.streams.audio)
            if not self._has_sound and not allow_silent:
                raise ValueError(_NO_SOUND.format(path))
            video = container.streams.video[0]
            self.frame_rate = float(video.average_rate or video.guessed_rate or 25)
            self.duration_s = (container.duration or 0) / av.time_base
            self._item_count = video.frames + sum(stream.frames for stream in container.streams.audio[:1])

    def __length_hint__(self) -> int:
        return self._item_count

    def __iter__(self) -> Iterator[Frame | AudioChunk]:
        # Two readers of one file: each decodes its own stream, so badly interleaved files need no memory.
        sound = _chunks(self.path) if self._has_sound else _silence(self.duration_s)
        return heapq.merge(self._frames(), sound, key=arrival_ns)

    def _frames(self) -> Iterator[Frame]:
        with _open(self.path) as container:
            start_ns = _start_ns(container)
            container.streams.video[0].thread_type = "AUTO"
            for number, frame in enumerate(container.decode(video=0)):
                stamp_ns = round(Fraction(number) / Fraction(self.frame_rate) * NANOSECONDS_PER_SECOND)
                if frame.pts is not None:
                    stamp_ns = round(frame.pts * frame.time_base * NANOSECONDS_PER_SECOND) - start_ns
                rgb = np.rot90(frame.to_ndarray(format="rgb24"), k=round(frame.rotation / 90))
                yield Frame(np.ascontiguousarray(rgb), stamp_ns)


class FolderSource:
    """A folder of pictures, one for each second, and a .wav inside it or next to it under its name, as in AVSBench.

    The pictures (directly inside, or in a folder `frames`) are taken in the natural order of their names, `x_2.png`
    before `x_10.png`; the stamp of each is 15/16 of its second. `duration_s`, `frame_rate` and `name` describe it.

    Raises FileNotFoundError if there is no such folder, ValueError if it has no pictures or no single sound; while
    iterating, ValueError for a file that cannot be read.
    """

    frame_rate = 1.0
    notes = ()

    def __init__(self, path: Path | str):
        self.path = Path(path)
        self.name = self.path.name
        if not self.path.is_dir():
            raise FileNotFoundError(f"no such folder: {path}")
        self._pictures = pictures_in(self.path) or pictures_in(self.path / "frames")
        if not self._pictures:
            raise ValueError(f"{path} has no pictures; expected {', '.join(PICTURE_SUFFIXES)}")
        sounds = sorted(self.path.glob("*.wav")) or sorted(self.path.parent.glob(f"{self.name}.wav"))
        if len(sounds) != 1:
            raise ValueError(
                f"{path} needs exactly one .wav inside it, or {self.name}.wav next to it; found {len(sounds)}"
            )
        self._sound = sounds[0]
        self.duration_s = float(len(self._pictures))

    def __length_hint__(self) -> int:
        return len(self._pictures)

    def __iter__(self) -> Iterator[Frame | AudioChunk]:
        return heapq.merge(self._frames(), _chunks(self._sound), key=arrival_ns)

    def _frames(self) -> Iterator[Frame]:
        for second, path in enumerate(self._pictures):
            yield Frame(read_picture(path), second * NANOSECONDS_PER_SECOND + FRAME_OFFSET_NS)


def pictures_in(folder: Path) -> list[Path]:
    """The pictures in a folder in the natural order of their names; none if there is no such folder."""

    def natural(path: Path) -> list:
        return [int(part) if part.isdigit() else part for part in re.split(r"([0-9]+)", path.name)]

    found = folder.iterdir() if folder.is_dir() else ()
    return sorted((path for path in found if path.suffix.lower() in PICTURE_SUFFIXES), key=natural)


def _chunks(path: Path) -> Iterator[AudioChunk]:
    """The sound of a file as the decoder delivers it (AAC: 1024 samples)."""
    with _open(path) as container:
        if not container.streams.audio:
            raise ValueError(_NO_SOUND.format(path))
        start_ns, end_ns = _start_ns(container), 0
        to_float = av.AudioResampler(format="fltp")
        for frame in container.decode(audio=0):
            stamp_ns = end_ns
            if frame.pts is not None:
                stamp_ns = round(frame.pts * frame.time_base * NANOSECONDS_PER_SECOND) - start_ns
            for planar in to_float.resample(frame):
                chunk = AudioChunk(np.ascontiguousarray(planar.to_ndarray().T), frame.sample_rate, stamp_ns)
                stamp_ns = end_ns = chunk.end_ns
                yield chunk


def _silence(duration_s: float) -> Iterator[AudioChunk]:
    for number in range(round(duration_s * _SILENCE_RATE / len(_SILENCE))):
        yield AudioChunk(_SILENCE, _SILENCE_RATE, number * len(_SILENCE) * NANOSECONDS_PER_SECOND // _SILENCE_RATE)


def _start_ns(container: av.container.InputContainer) -> int:
    return (container.start_time or 0) * NANOSECONDS_PER_SECOND // av.time_base


@contextmanager
def _open(path: Path) -> Iterator[av.container.InputContainer]:
    """An open file; whatever FFmpeg says against it, here or while reading, is one ValueError."""
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    try:
        with av.open(str(path)) as container:
            yield container
    except av.FFmpegError as error:
        raise ValueError(f"{path} cannot be read as a video or sound file: {error.strerror}; is it whole?") from error
