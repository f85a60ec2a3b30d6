"""Sounds whose source is known, from folders, pairs and AVSBench clips."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
import soxr

from c3n_model.labels.sound_sources import imagenet_nouns, noun_of, sound_sources
from c3n_model.sources.media import VideoSource
from c3n_model.types import AudioChunk

TRAILING_S = 5
SUFFIXES = (".ogg", ".wav", ".flac", ".mp3")


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
        mono = self.samples
        if self.sample_rate != sample_rate:
            mono = soxr.resample(mono, self.sample_rate, sample_rate)
        count = max(1, round(len(mono) / sample_rate))
        whole = np.zeros((count, sample_rate), np.float32)
        whole.reshape(-1)[: min(len(mono), whole.size)] = mono[: whole.size]
        loudest = int(np.square(whole).mean(axis=1).argmax())
        return whole[max(0, loudest + 1 - TRAILING_S) : loudest + 1]


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
    key = name.strip().lower().replace(" ", "_").replace("-", "_")
    if key in known_folders():
        return known_folders()[key]
    noun = noun_of(key)
    right = frozenset(sound for sound, nouns in sound_sources().items() if noun in nouns)
    return (noun, right) if right or noun in imagenet_nouns() else None


def folder_sounds(folder: Path) -> tuple[list[Sound], list[str]]:
    """The sounds in the folders below `folder`, and the folders of which nothing is known."""
    sounds, unknown = [], []
    for kind in sorted(path for path in folder.glob("*") if path.is_dir()):
        source = source_of(kind.name)
        if source is None:
            unknown.append(kind.name)
            continue
        paths = [path for path in sorted(kind.iterdir()) if path.suffix.lower() in SUFFIXES]
        sounds += [_read(path, f"{kind.name}/{path.stem}", *source) for path in paths]
    return sounds, unknown


def pair_sounds(folder: Path) -> list[tuple[Path, Sound]]:
    """Pictures `<noun>_image.*` and the sounds `<noun>_audio.*` of what they show."""
    pairs = []
    for path in sorted(path for path in folder.glob("*_audio.*") if path.suffix.lower() in SUFFIXES):
        name = path.stem.removesuffix("_audio")
        pictures, source = sorted(folder.glob(f"{name}_image.*")), source_of(name)
        if pictures and source is not None:
            pairs.append((pictures[0], _read(path, f"pairs/{name}", *source)))
    return pairs


def clips(folder: Path) -> Iterator[tuple[Path, frozenset[str]]]:
    """AVSBench clips and the nouns of what sounds in them, as avsbench_metadata.csv says; empty where it does not."""
    objects: dict[str, set[str]] = {}
    table = folder / "avsbench_metadata.csv"
    if table.is_file():
        with table.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                # A long video is in the table as several clips, <name>_0, <name>_1, ...
                for name in {row["vid"].strip("_"), row["vid"].rpartition("_")[0].strip("_")}:
                    objects.setdefault(name, set()).update(row["a_obj"].split("_"))
    for path in sorted(folder.glob("*.mp4")):
        sources = [source_of(name) for name in sorted(objects.get(path.stem.strip("_"), ()))]
        yield path, frozenset(source[0] for source in sources if source is not None)


def clip_sound(path: Path, noun: str) -> Sound:
    """The sound track of a clip in which one thing sounds."""
    chunks = [item for item in VideoSource(path) if isinstance(item, AudioChunk)]
    samples = np.concatenate([chunk.samples.mean(axis=1) for chunk in chunks])
    return Sound(f"clips/{path.stem}", samples.astype(np.float32), chunks[0].sample_rate, noun)


def _read(path: Path, name: str, noun: str, right: frozenset[str]) -> Sound:
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise ValueError(f"{path} cannot be read as sound: {error}") from error
    if len(samples) == 0:
        raise ValueError(f"{path} holds no sound")
    return Sound(name, samples.mean(axis=1), rate, noun, right)
