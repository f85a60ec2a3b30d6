"""Sounds whose source is known, from folders, pairs and AVSBench clips."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
import soxr

from c3n_model.labels.names import imagenet_names
from c3n_model.labels.sound_sources import imagenet_nouns, is_a, noun_of, sound_sources
from c3n_model.sources.media import PICTURE_SUFFIXES, VideoSource
from c3n_model.types import AudioChunk

TRAILING_S = 5
LONGEST_TAGGED_S = 10  # as long as AudioSet's clips
SUFFIXES = (".ogg", ".wav", ".flac", ".mp3")
VIDEO_SUFFIXES = (".mp4", ".mkv", ".webm", ".mov", ".avi")


@dataclass(frozen=True)
class Sound:
    """`samples` float32 (n,) mono; `noun` of what makes it, "" for nothing that a picture could show; `right` the AudioSet
    classes that name it, empty where that is not known."""

    name: str
    samples: np.ndarray
    sample_rate: int
    noun: str
    right: frozenset[str] = frozenset()

    def seconds(self, sample_rate: int) -> np.ndarray:
        """The loudest second and up to four before it, oldest first: float32 (T, sample_rate)."""
        whole = self._cut(sample_rate)
        loudest = int(np.square(whole).mean(axis=1).argmax())
        return whole[max(0, loudest + 1 - TRAILING_S) : loudest + 1]

    def waveform(self, sample_rate: int) -> np.ndarray:
        """The whole sound up to LONGEST_TAGGED_S, at least a second: float32 (n,)."""
        return self._cut(sample_rate)[:LONGEST_TAGGED_S].reshape(-1)

    def _cut(self, sample_rate: int) -> np.ndarray:
        """All seconds, the last one rounded: float32 (T, sample_rate)."""
        mono = self.samples
        if self.sample_rate != sample_rate:
            mono = soxr.resample(mono, self.sample_rate, sample_rate)
        count = max(1, round(len(mono) / sample_rate))
        whole = np.zeros((count, sample_rate), np.float32)
        whole.reshape(-1)[: min(len(mono), whole.size)] = mono[: whole.size]
        return whole


@cache
def known_folders() -> dict[str, tuple[str, frozenset[str]]]:
    """Folder name -> noun ("" for none) and right AudioSet classes, of `sounds.txt`."""
    lines = (Path(__file__).parent / "sounds.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split(":", 2) for line in lines if line and not line.startswith("#")]
    return {
        name.strip(): (noun.strip().strip("-"), frozenset(part.strip() for part in right.split("|")))
        for name, noun, right in rows
    }


def source_of(name: str) -> tuple[str, frozenset[str]] | None:
    """Noun and right AudioSet classes of what a folder or an object is called; None if nothing is known of it."""
    key = re.sub(r"[\s_-]+", "_", name.strip().lower())
    key = re.sub(r"^\d+_", "", key)  # ESC-10 came with numbered folders, "001 - Dog bark"
    if key in known_folders():
        return known_folders()[key]
    noun = noun_of(key)
    right = frozenset(sound for sound, nouns in sound_sources().items() if noun in nouns)
    return (noun, right) if right or noun in imagenet_nouns() else None


def same_thing(answer: str, truth: str) -> bool:
    """Return whether a name is right: a bird is a right answer to a rooster and a rooster to a bird, and so is each of
    ImageNet's own names of birds."""
    if is_a(answer, truth) or is_a(truth, answer):
        return True
    classes = [index for index, name in enumerate(imagenet_names()) if name == answer]
    return any(index in imagenet_nouns().get(truth, ()) for index in classes)


def folder_sounds(folder: Path) -> tuple[list[Sound], list[str]]:
    """The sounds in the folders below `folder`, and the folders of which nothing is known."""
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
    """Pictures `<noun>_image.*` and the sounds `<noun>_audio.*` of what they show; and the sounds without a picture, or
    of which nothing is known."""
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
    """AVSBench clips and the nouns of all that sounds in them, as avsbench_metadata.csv says; empty where it does not, or
    names what no picture could show or nothing is known of.

    Raises:
        ValueError: a csv that cannot be read.
    """
    objects = _clip_objects(folder / "avsbench_metadata.csv")
    found = []
    for path in videos(folder):
        sources = [source_of(name) for name in sorted(objects.get(path.stem.strip("_"), ()))]
        nouns = [source[0] if source is not None else "" for source in sources]
        found.append((path, frozenset(nouns) if all(nouns) else frozenset()))
    return found


def videos(folder: Path) -> list[Path]:
    """The videos in a folder, by name."""
    return sorted(path for path in folder.glob("*") if path.suffix.lower() in VIDEO_SUFFIXES)


def _clip_objects(table: Path) -> dict[str, set[str]]:
    """What sounds by the name of the video; nothing where there is no table."""
    if not table.is_file():
        return {}
    objects: dict[str, set[str]] = {}
    try:
        with table.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                # A long video is in the table as several clips, <name>_0, <name>_1, ...
                for name in {row["vid"].strip("_"), re.sub(r"_\d+$", "", row["vid"]).strip("_")}:
                    objects.setdefault(name, set()).update(row["a_obj"].split("_"))
    except (KeyError, AttributeError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{table} is no table of clips with the columns vid and a_obj: {error!r}") from error
    return objects


def clip_sound(path: Path, noun: str) -> Sound:
    """The sound track of a clip in which one thing sounds."""
    chunks = [item for item in VideoSource(path) if isinstance(item, AudioChunk)]
    if not chunks:
        raise ValueError(f"{path} holds no sound")
    samples = np.concatenate([chunk.samples.mean(axis=1) for chunk in chunks])
    return Sound(f"clips/{path.stem}", samples.astype(np.float32), chunks[0].sample_rate, noun)


def read_sound(path: Path, name: str, noun: str, right: frozenset[str]) -> Sound:
    """Read a sound file. Raises ValueError for one that cannot be read or holds nothing."""
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise ValueError(f"{path} cannot be read as sound: {error}") from error
    if len(samples) == 0:
        raise ValueError(f"{path} holds no sound")
    return Sound(name, samples.mean(axis=1), rate, noun, right)
