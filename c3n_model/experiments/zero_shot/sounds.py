"""Read sounds with known sources from folders, pairs and AVSBench clips."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from c3n_model.labels.named_sounds import source_of
from c3n_model.labels.names import imagenet_names
from c3n_model.labels.sound_sources import imagenet_nouns, is_a
from c3n_model.sources.media import PICTURE_SUFFIXES, VideoSource
from c3n_model.types import AudioChunk

TRAILING_S = 5
LONGEST_TAGGED_S = 10  # the length of AudioSet's clips
SUFFIXES = (".ogg", ".wav", ".flac", ".mp3")
VIDEO_SUFFIXES = (".mp4", ".mkv", ".webm", ".mov", ".avi")


@dataclass(frozen=True)
class Sound:
    """A sound: `samples` float32 (n,), mono.

    `noun` is its source, "" if it has no visible source; `right` are its correct AudioSet classes, empty if unknown.
    """

    name: str
    samples: np.ndarray
    sample_rate: int
    noun: str
    right: frozenset[str] = frozenset()

    def seconds(self, sample_rate: int) -> np.ndarray:
        """Return the loudest second and up to four before it, oldest first: float32 (T, sample_rate)."""
        whole = self._cut(sample_rate)
        loudest = int(np.square(whole).mean(axis=1).argmax())
        return whole[max(0, loudest + 1 - TRAILING_S) : loudest + 1]

    def waveform(self, sample_rate: int) -> np.ndarray:
        """Return the sound up to LONGEST_TAGGED_S, at least one second: float32 (n,)."""
        return self._cut(sample_rate)[:LONGEST_TAGGED_S].reshape(-1)

    def _cut(self, sample_rate: int) -> np.ndarray:
        """Split the sound into seconds, rounding the last one: float32 (T, sample_rate)."""
        mono = self.samples
        if self.sample_rate != sample_rate:
            mono = soxr.resample(mono, self.sample_rate, sample_rate)
        count = max(1, round(len(mono) / sample_rate))
        whole = np.zeros((count, sample_rate), np.float32)
        whole.reshape(-1)[: min(len(mono), whole.size)] = mono[: whole.size]
        return whole


def same_thing(answer: str, truth: str) -> bool:
    """Check whether a label is correct.

    A bird is a correct label for a rooster and a rooster for a bird, and so is each of ImageNet's names of birds.
    """
    if is_a(answer, truth) or is_a(truth, answer):
        return True
    classes = [index for index, name in enumerate(imagenet_names()) if name == answer]
    return any(index in imagenet_nouns().get(truth, ()) for index in classes)


def folder_sounds(folder: Path) -> tuple[list[Sound], list[str]]:
    """Read the sounds in the subfolders of `folder`; also return the names of unknown subfolders."""
    sounds, unknown = [], []
    for kind in sorted(path for path in folder.glob("*") if path.is_dir()):
        source = source_of(kind.name)
        if source is None:
            unknown.append(kind.name)
            continue
        paths = [path for path in sorted(kind.iterdir()) if path.suffix.lower() in SUFFIXES]
        sounds += [read_sound(path, f"{kind.name}/{path.stem}", *source) for path in paths]
    return sounds, unknown


def pair_sounds(folder: Path) -> tuple[list[tuple[Path, Sound]], list[str]]:
    """Read images `<noun>_image.*` with their sounds `<noun>_audio.*`; also return sounds without an image or unknown."""
    pictures = {path.stem: path for path in sorted(folder.glob("*_image.*")) if path.suffix.lower() in PICTURE_SUFFIXES}
    pairs, unknown = [], []
    for path in sorted(path for path in folder.glob("*_audio.*") if path.suffix.lower() in SUFFIXES):
        name = path.stem.removesuffix("_audio")
        picture, source = pictures.get(f"{name}_image"), source_of(name)
        if picture is None or source is None:
            unknown.append(path.name)
        else:
            pairs.append((picture, read_sound(path, f"pairs/{name}", *source)))
    return pairs, unknown


def clips(folder: Path) -> list[tuple[Path, frozenset[str]]]:
    """List AVSBench clips with the nouns of all sounding objects, from avsbench_metadata.csv.

    The nouns are empty if the csv does not list the clip, or lists an object that is unknown or not visible.

    Raises:
        ValueError: a csv that cannot be read.
    """
    objects = _clip_objects(folder / "avsbench_metadata.csv")
    listed = []
    for path in videos(folder):
        sources = [source_of(name) for name in sorted(objects.get(path.stem.strip("_"), ()))]
        nouns = [source[0] if source is not None else "" for source in sources]
        listed.append((path, frozenset(nouns) if all(nouns) else frozenset()))
    return listed


def videos(folder: Path) -> list[Path]:
    """List the videos in a folder, sorted by name."""
    return sorted(path for path in folder.glob("*") if path.suffix.lower() in VIDEO_SUFFIXES)


def _clip_objects(table: Path) -> dict[str, set[str]]:
    """Read the sounding objects by video name; empty without the csv."""
    if not table.is_file():
        return {}
    objects: dict[str, set[str]] = {}
    try:
        with table.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                # Long videos are listed as several clips, <name>_0, <name>_1, ...
                for name in {row["vid"].strip("_"), re.sub(r"_\d+$", "", row["vid"]).strip("_")}:
                    objects.setdefault(name, set()).update(row["a_obj"].split("_"))
    except (KeyError, AttributeError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{table} is not a csv of clips with the columns vid and a_obj: {error!r}") from error
    return objects


def clip_sound(path: Path, noun: str) -> Sound:
    """Read the sound track of a clip with a single source. Raises ValueError if it has none."""
    chunks = [item for item in VideoSource(path) if isinstance(item, AudioChunk)]
    if not chunks:
        raise ValueError(f"{path} contains no sound")
    samples = np.concatenate([chunk.samples.mean(axis=1) for chunk in chunks])
    return Sound(f"clips/{path.stem}", samples.astype(np.float32), chunks[0].sample_rate, noun)


def read_sound(path: Path, name: str, noun: str, right: frozenset[str]) -> Sound:
    """Read a sound file. Raises ValueError if it cannot be read or is empty."""
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise ValueError(f"{path} cannot be read as sound: {error}") from error
    if len(samples) == 0:
        raise ValueError(f"{path} contains no sound")
    return Sound(name, samples.mean(axis=1), rate, noun, right)
