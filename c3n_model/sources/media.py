"""Video files and folders of images as sources of frames and sound.

Stamps count from the start of the file. Frames and chunks come in the order in which they would arrive live: a frame at its
stamp, a chunk after its last sample.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from c3n_model.files.signatures import is_hidden
from c3n_model.sources.av_decoding import (
    TrackReport,
    container_start_ns,
    decode,
    describe_choices,
    describe_tracks,
    open_media,
    picture_track,
    sound_track,
    upright_rgb,
)
from c3n_model.sources.picture_files import read_picture
from c3n_model.sources.wav_files import missing_seconds
from c3n_model.types import FRAME_OFFSET_NS, NANOSECONDS_PER_SECOND, AudioChunk, Frame

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
_SILENCE = np.zeros((1600, 1), np.float32)  # 100 ms
_SILENCE_RATE = 16_000
_LONG_GAP_NS = 150_000_000  # after a longer gap between two images the first is repeated: the default skew of windows
_NO_SOUND = (
    "{} has no sound, which C3N needs; add a sound track, for example with "
    "ffmpeg -i video -i sound.wav -c:v copy out.mp4"
)


def arrival_ns(item: Frame | AudioChunk) -> int:
    """Return when an item would arrive live: a frame at its stamp, a chunk after its last sample."""
    return item.end_ns if isinstance(item, AudioChunk) else item.stamp_ns


class VideoSource:
    """The frames and the sound of a video file; can be iterated several times.

    Frames have the times of the file (also with a variable frame rate) and its orientation. An image that is displayed for more
    than 150 ms is repeated at 15/16 of each second, where windows take their frame from. Sound has the file's rate and
    channels. Damaged packets are left out. `duration_s`, `frame_rate` (mean) and `name` describe the file, `notes` what was
    damaged or missing; they are complete after an iteration.

    Raises FileNotFoundError if the file does not exist, ValueError if it is not a video, has no sound or a codec that FFmpeg
    cannot decode; while iterating, ValueError if nothing can be decoded.
    """

    def __init__(self, path: Path | str, allow_silent: bool = False, exact: bool = False):
        """`allow_silent`: return digital silence for a video without a sound track instead of raising ValueError. `exact`: do
        not repeat images, and raise ValueError for a damaged packet."""
        self.path = Path(path)
        self.name = self.path.stem
        self.notes: list[str] = []
        self._exact = exact
        with open_media(self.path) as container:
            video, audio = picture_track(container, self.path), sound_track(container, self.path)
            if video is None:
                raise ValueError(f"{path} has no video track, only {describe_tracks(container)}")
            if audio is None and not allow_silent:
                raise ValueError(_NO_SOUND.format(path))
            self.has_sound = audio is not None
            self.frame_rate = float(video.average_rate or video.guessed_rate or 25)
            self.duration_s = (container.duration or 0) / av.time_base
            self._item_count = round(self.duration_s * self.frame_rate)
            if audio is not None:  # a packet of PCM has about as many samples as one of AAC
                self._item_count += round(self.duration_s * audio.rate / (audio.codec_context.frame_size or 1024))
            self._choices = describe_choices(container, self.path)

    def __length_hint__(self) -> int:
        return self._item_count

    def __iter__(self) -> Iterator[Frame | AudioChunk]:
        # Each track is decoded by its own reader of the file, so badly interleaved files need no additional memory.
        pictures, sounds = TrackReport("picture"), TrackReport("sound")
        sound = _chunks(self.path, sounds) if self.has_sound else _silence(self.duration_s)
        yield from heapq.merge(self._frames(pictures), sound, key=arrival_ns)
        damage = [note for report in (pictures, sounds) for note in report.notes()]
        self.notes[:] = [f"{self.path}: {note}" for note in [*damage, *self._choices]]
        if self._exact and (pictures.errors or sounds.errors):
            raise ValueError(self.notes[0])

    def _frames(self, report: TrackReport) -> Iterator[Frame]:
        with open_media(self.path) as container:
            start_ns, track = container_start_ns(container), picture_track(container, self.path)
            # Threads of whole frames would report less damage at the end, the more CPUs the less: results must not depend on those.
            track.thread_type = "SLICE"
            shown, errors = None, 0
            for number, decoded in enumerate(decode(container, track, report)):
                stamp_ns = round(Fraction(number) / Fraction(self.frame_rate) * NANOSECONDS_PER_SECOND)
                if decoded.pts is not None:
                    stamp_ns = round(decoded.pts * decoded.time_base * NANOSECONDS_PER_SECOND) - start_ns
                if shown is not None and errors == report.errors:
                    yield from self._still_shown(shown, stamp_ns)
                shown, errors = Frame(np.ascontiguousarray(upright_rgb(decoded)), stamp_ns), report.errors
                yield shown
            if shown is None:
                raise ValueError(f"no image in {self.path} can be decoded; check that the file is complete")
            if not report.ends_early and errors == report.errors:  # players show the last picture to the end
                report.shown_until_s = self.duration_s
                yield from self._still_shown(shown, round(self.duration_s * NANOSECONDS_PER_SECOND))

    def _still_shown(self, frame: Frame, until_ns: int) -> Iterator[Frame]:
        """Repeat a frame at 15/16 of each second before `until_ns` if it is displayed for more than 150 ms."""
        if self._exact or until_ns - frame.stamp_ns <= _LONG_GAP_NS:
            return
        second = (frame.stamp_ns - FRAME_OFFSET_NS) // NANOSECONDS_PER_SECOND + 1
        while (stamp_ns := second * NANOSECONDS_PER_SECOND + FRAME_OFFSET_NS) < until_ns:
            yield Frame(frame.rgb, stamp_ns)
            second += 1


class FolderSource:
    """A folder with an image per second and a .wav, inside it or next to it with the same name, as in AVSBench.

    The images (in the folder itself or in its subfolder `frames`) are read in natural order, `x_2.png` before `x_10.png`; the
    stamp of each is 15/16 of its second. `duration_s`, `frame_rate` and `name` describe the folder, `notes` what is missing.

    Raises FileNotFoundError if the folder does not exist, ValueError if it has no images or not exactly one .wav; while
    iterating, ValueError for a file that cannot be read.
    """

    frame_rate = 1.0

    def __init__(self, path: Path | str, allow_silent: bool = False):
        """`allow_silent`: give digital silence where there is no .wav, instead of refusing the folder."""
        self.path = Path(path)
        self.name = self.path.name
        if not self.path.is_dir():
            raise FileNotFoundError(f"no such folder: {path}")
        self._pictures = pictures_in(self.path) or pictures_in(self.path / "frames")
        if not self._pictures:
            raise ValueError(f"{path} has no images; expected {', '.join(PICTURE_SUFFIXES)}")
        beside = [file for file in _wavs(self.path.absolute().parent) if file.stem == self.name]
        sounds = _wavs(self.path) or beside
        self.has_sound = bool(sounds)
        if len(sounds) != 1 and (sounds or not allow_silent):
            raise ValueError(
                f"{path} needs exactly one .wav inside it, or {self.name}.wav next to it; found {len(sounds)}"
            )
        self._sound = next(iter(sounds), None)
        self.duration_s = float(len(self._pictures))
        missing_s = missing_seconds(self._sound) if self._sound else 0.0
        self.notes = [f"{self._sound} is truncated: {missing_s:.1f} s of its sound are missing"] if missing_s else []

    def __length_hint__(self) -> int:
        return len(self._pictures)

    def __iter__(self) -> Iterator[Frame | AudioChunk]:
        sound = _chunks(self._sound, TrackReport("sound")) if self._sound else _silence(self.duration_s)
        return heapq.merge(self._frames(), sound, key=arrival_ns)

    def _frames(self) -> Iterator[Frame]:
        for second, path in enumerate(self._pictures):
            yield Frame(read_picture(path), second * NANOSECONDS_PER_SECOND + FRAME_OFFSET_NS)


def pictures_in(folder: Path) -> list[Path]:
    """Return the images in a folder in natural order, without hidden files; empty if the folder does not exist."""

    def natural(path: Path) -> list:
        return [int(part) if part.isdigit() else part for part in re.split(r"([0-9]+)", path.name)]

    files = folder.iterdir() if folder.is_dir() else ()
    pictures = (path for path in files if path.suffix.lower() in PICTURE_SUFFIXES and not is_hidden(path))
    return sorted(pictures, key=natural)


def _wavs(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() == ".wav" and not is_hidden(path))


def _chunks(path: Path, report: TrackReport) -> Iterator[AudioChunk]:
    """Yield the sound of a file in the chunks of the decoder (AAC: 1024 samples)."""
    with open_media(path) as container:
        track = sound_track(container, path)
        if track is None:
            raise ValueError(_NO_SOUND.format(path))
        start_ns, end_ns = container_start_ns(container), 0
        to_float = av.AudioResampler(format="fltp")
        for frame in decode(container, track, report):
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
