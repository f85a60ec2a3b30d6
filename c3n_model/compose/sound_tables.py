"""The csv files of ESC-50, FSD50K, AudioSet and VGGSound: which clip has which label."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from c3n_model.labels.named_sounds import caption_source, common_sources, source_of
from c3n_model.weights import manifest

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
VIDEO_SUFFIXES = (".mp4", ".mkv", ".webm", ".m4a")

Source = tuple[frozenset[str], frozenset[str]]  # nouns, AudioSet classes


@dataclass(frozen=True)
class TableRow:
    """One clip of a csv; the fields are those of `sound_set.SoundFile`."""

    recording: str
    path: Path
    nouns: frozenset[str]
    classes: frozenset[str]
    start_s: float


@dataclass(frozen=True)
class _Entry:
    recording: str
    names: tuple[str, ...]  # possible stems of the file, and what to cut it at
    source: Source | None
    label: str
    start_s: float = 0.0  # where the file is the whole recording


def read_table(path: Path) -> tuple[list[TableRow], list[str]]:
    """Read a csv, told by its header or the form of its rows; also return what is left out, with the reason.

    Raises:
        ValueError: a csv of no known form, or one that cannot be read.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = [line for line in csv.reader(file, skipinitialspace=True) if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is not a readable csv: {error}") from error
    entries = _entries(path, lines)
    files = _files_near(path)
    rows, left_out = [], []
    for entry in entries:
        found = next((files[name] for name in entry.names if name in files), None)
        if entry.source is None:
            left_out.append(f"{entry.recording}: {entry.label!r} does not tell what makes the sound")
        elif found is None:
            left_out.append(
                f"{entry.recording}: no file {entry.names[0]} ({', '.join(SUFFIXES + VIDEO_SUFFIXES)}) near {path}"
            )
        else:
            start_s = entry.start_s if found.stem == entry.recording else 0.0
            rows.append(TableRow(entry.recording, found, *entry.source, start_s))
    return rows, left_out


def _entries(path: Path, lines: list[list[str]]) -> list[_Entry]:
    header = lines[0] if lines else []
    if {"filename", "category"} <= set(header):
        return [_esc_50(dict(zip(header, line))) for line in lines[1:]]
    if {"fname", "labels"} <= set(header):
        names = _audioset_by_mid()
        return [_fsd50k(dict(zip(header, line)), names) for line in lines[1:]]
    rows = [line for line in lines if not line[0].startswith("#")]
    if rows and all(len(line) == 4 and _is_number(line[1]) and _is_number(line[2]) for line in rows):
        names = _audioset_by_mid()
        return [_audioset(line, names) for line in rows]
    if rows and all(len(line) in (3, 4) and _is_number(line[1]) for line in rows):
        return [_vggsound(line) for line in rows]
    raise ValueError(
        f"{path} is of no known form: expected ESC-50's (filename, ..., category), FSD50K's (fname, labels, mids), AudioSet's "
        f"(id, start, end, classes) or VGGSound's (id, start, label, split); it begins with {','.join(header)!r}"
    )


def _esc_50(row: dict[str, str]) -> _Entry:
    stem = Path(row["filename"]).stem
    return _Entry(row.get("src_file") or stem, (stem,), _of_name(row["category"], source_of), row["category"])


def _fsd50k(row: dict[str, str], by_mid: dict[str, str]) -> _Entry:
    mids = [mid for mid in row.get("mids", "").split(",") if mid]
    return _Entry(
        row["fname"], (row["fname"],), _of_classes([by_mid[mid] for mid in mids if mid in by_mid]), row["labels"]
    )


def _audioset(line: list[str], by_mid: dict[str, str]) -> _Entry:
    name, start, classes = line[0].strip(), float(line[1]), [by_mid.get(mid.strip(), "") for mid in line[3].split(",")]
    classes = [label for label in classes if label]
    return _Entry(name, _video_names(name, start), _of_classes(classes), ", ".join(classes), start)


def _vggsound(line: list[str]) -> _Entry:
    name, start = line[0].strip(), float(line[1])
    return _Entry(name, _video_names(name, start), _of_name(line[2], caption_source), line[2], start)


def _video_names(name: str, start: float) -> tuple[str, ...]:
    """Names that clips of a video are given: VGGSound's, AudioSet's, PANNs'; a file `name` is taken for the whole video."""
    second = int(start)
    return f"{name}_{second:06d}", f"{name}_{second}", f"{name}_{second * 1000}", f"Y{name}", name


def _of_name(name: str, look_up: Callable[[str], tuple[str, frozenset[str]] | None]) -> Source | None:
    source = look_up(name)
    return None if source is None else (frozenset({source[0]} - {""}), source[1])


def _of_classes(classes: list[str]) -> Source | None:
    nouns = common_sources(classes)
    return None if nouns is None else (nouns, frozenset(classes))


def _audioset_by_mid() -> dict[str, str]:
    with manifest.find("audioset_classes").open(newline="", encoding="utf-8") as file:
        return {row["mid"]: row["display_name"] for row in csv.DictReader(file)}


def _files_near(path: Path) -> dict[str, Path]:
    """Index the clips below the csv's folder, or if there are none below the one above it."""
    for folder in (path.parent, path.parent.parent):
        files = {file.stem: file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES + VIDEO_SUFFIXES}
        if files:
            return files
    return {}


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
