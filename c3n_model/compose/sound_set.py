"""Labelled sounds of any of the forms that are read, as lists of files with what can make them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from c3n_model.compose.cutout_files import read_names
from c3n_model.compose.noises import RATE
from c3n_model.compose.sound_tables import SUFFIXES, VIDEO_SUFFIXES, TableRow, read_table
from c3n_model.labels.named_sounds import source_of
from c3n_model.sources.media import VideoSource
from c3n_model.types import AudioChunk

LONGEST_S = 10.0  # of each sound; AudioSet's clips are that long


@dataclass(frozen=True)
class SoundFile:
    """A sound in a file.

    `key` names the recording, by which sounds are split; `nouns` are the things that can make it, empty if no visible thing
    does; `classes` the AudioSet classes that are right for it; it begins at `start_s`.
    """

    key: str
    path: Path
    nouns: frozenset[str]
    classes: frozenset[str]
    start_s: float = 0.0

    def read(self) -> np.ndarray:
        """Read up to LONGEST_S seconds, float32 (n,), mono at `noises.RATE`. Raises ValueError."""
        samples, rate = (_from_video if self.path.suffix.lower() in VIDEO_SUFFIXES else _from_file)(
            self.path, self.start_s
        )
        if len(samples) == 0 or not np.isfinite(samples).all():
            raise ValueError(f"{self.path} has no sound from {self.start_s:g} s on, or samples that are not finite")
        return samples if rate == RATE else soxr.resample(samples, rate, RATE)


@dataclass(frozen=True)
class SoundSet:
    """All sounds of several sources, and `left_out`, what could not be used, with the reason."""

    sounds: list[SoundFile]
    left_out: list[str]


def open_sounds(paths: Sequence[Path]) -> SoundSet:
    """List the sounds of each source: a csv of ESC-50, FSD50K, AudioSet or VGGSound (the clips are searched below its folder
    and the one above), or a folder with a folder for each class; files at its top are classes of their own.

    Raises:
        FileNotFoundError: no such source. ValueError: a source of no known form, or one without usable sounds.
    """
    sounds: list[SoundFile] = []
    left_out: list[str] = []
    for path in paths:
        if path.is_file() and path.suffix == ".csv":
            rows, left = read_table(path)
            some = [_from_row(row) for row in rows]
        elif path.is_dir():
            some, left = _from_folders(path)
        else:
            raise FileNotFoundError(
                f"no such sounds: {path}; expected a .csv file or a folder with a folder for each class"
            )
        if not some:
            raise ValueError(f"{path} has no sound that can be used" + (f": {left[0]}" if left else ""))
        sounds += some
        left_out += left
    return SoundSet(sounds, left_out)


def _from_row(row: TableRow) -> SoundFile:
    return SoundFile(row.recording, row.path, row.nouns, row.classes, row.start_s)


def _from_folders(folder: Path) -> tuple[list[SoundFile], list[str]]:
    names = read_names(folder / "names.txt")
    sounds, left_out = [], []
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES):
        kind = names.get(path.stem, path.stem) if path.parent == folder else path.relative_to(folder).parts[0]
        source = source_of(kind)
        if source is None:
            left_out.append(f"{path}: nothing is known of the sound {kind!r}")
        else:
            sounds.append(SoundFile(_recording_of(path), path, frozenset({source[0]} - {""}), source[1]))
    return sounds, left_out


def _recording_of(path: Path) -> str:
    """The recording that a file is from: ESC-50 cuts several, 2-114587-A and 2-114587-B, from one."""
    esc_50 = re.fullmatch(r"\d-(\d+)-[A-Z](-\d+)?", path.stem)
    return esc_50[1] if esc_50 else f"{path.parent.name}/{path.stem}"


def _from_file(path: Path, start_s: float) -> tuple[np.ndarray, int]:
    try:
        with soundfile.SoundFile(path) as file:
            file.seek(_first_sample(start_s, file.frames, file.samplerate))
            samples = file.read(round(LONGEST_S * file.samplerate), dtype="float32", always_2d=True)
            return samples.mean(axis=1), file.samplerate
    except (soundfile.LibsndfileError, OSError) as error:
        raise ValueError(f"{path} cannot be read as sound: {error}") from error


def _from_video(path: Path, start_s: float) -> tuple[np.ndarray, int]:
    chunks = [item for item in VideoSource(path) if isinstance(item, AudioChunk)]
    if not chunks:
        return np.zeros(0, np.float32), RATE
    rate = chunks[0].sample_rate
    samples = np.concatenate([chunk.samples.mean(axis=1) for chunk in chunks])
    first = _first_sample(start_s, len(samples), rate)
    return samples[first:][: round(LONGEST_S * rate)].astype(np.float32), rate


def _first_sample(start_s: float, samples: int, rate: int) -> int:
    """Where a clip begins in its file: at the start if the file is already cut, as long as a clip or not as long as `start_s`."""
    is_cut = samples <= (LONGEST_S + 0.5) * rate or samples <= start_s * rate
    return 0 if is_cut else round(start_s * rate)
