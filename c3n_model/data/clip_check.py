"""Problems of AVSBench clips and csv files, with their remedies.

A clip can be loaded if and only if `check_clip` reports no error for it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
from PIL import Image

from c3n_model.data.clip_files import CLIP_FRAMES, FRAME_SIZE, ClipPaths, read_sound, sounding
from c3n_model.sources.picture_files import open_picture, read_picture

PAPER_COUNTS = {"s4": {"train": 3452, "val": 740, "test": 740}, "ms3": {"train": 296, "val": 64, "test": 64}}
_AGAIN = "copy or create them again"


class Problem(Enum):
    """A kind of problem: (severity, description, remedy).

    An error prevents clips from being loaded; a warning marks a difference from the authors' AVSBench, or data that should
    be inspected.
    """

    TABLE = ("error", "unusable csv file", "copy it from the release again")
    NO_FILES = ("error", "clips without any frame", f"{_AGAIN}, or remove their rows from the csv")
    MISSING = ("error", "missing files", f"{_AGAIN}, or remove the rows of their clips from the csv")
    PICTURE = ("error", "unreadable images", _AGAIN)
    SOUND = ("error", "unusable audio files", _AGAIN)
    MASK_SIZE = ("error", "masks that differ in size from their frame", f"{_AGAIN}, both the frame and the mask")
    TWICE = ("warning", "clips listed twice in the csv", "remove one of the rows")
    SPLIT = ("warning", "clips of a split other than train, val and test", "correct the split in the csv")
    PAPER = ("warning", "splits that differ in size from the paper's", "nothing, unless this should be all of AVSBench")
    UNLISTED = ("warning", "frame folders not listed in the csv", "add their rows, or leave them unused")
    OTHER_SIZE = ("warning", f"frames that are not {FRAME_SIZE}x{FRAME_SIZE}", "nothing: they are resized when read")
    GREY = ("warning", "masks with grey values, all of which except 0 count as sounding", "store them as 0 and 255")
    PALETTE = ("warning", "palette masks in which black is not exactly index 0", "inspect them")
    SHORT = (
        "warning",
        f"audio files shorter than {CLIP_FRAMES} s",
        "nothing (silence is appended), or create them again",
    )
    SILENT = (
        "warning",
        "audio files of digital silence",
        "listen to their videos; c3n prepare extracts the audio again",
    )


@dataclass(frozen=True)
class Issue:
    """A problem and its location."""

    problem: Problem
    location: str


@dataclass(frozen=True)
class ClipCheck:
    """Result for one clip: its issues, the format of each mask and whether it is empty, the format of the audio."""

    issues: tuple[Issue, ...] = ()
    masks: tuple[tuple[str, bool], ...] = ()
    sound: str | None = None


def check_table(setting: str, clips: list[ClipPaths], folders: list[Path]) -> list[Issue]:
    """Check the rows of a csv against the paper's counts and the frame folders on disk."""
    rows = Counter(paths.frames[0].parent for paths in clips)
    counts = Counter(paths.split for paths in clips)
    expected = PAPER_COUNTS[setting]
    issues = [Issue(Problem.TWICE, str(folder)) for folder, count in rows.items() if count > 1]
    issues += [Issue(Problem.SPLIT, f"{paths.name}: {paths.split}") for paths in clips if paths.split not in expected]
    issues += [
        Issue(Problem.PAPER, f"{split} has {counts[split]} clips, the paper's {count}")
        for split, count in expected.items()
        if counts[split] != count
    ]
    return issues + [Issue(Problem.UNLISTED, str(folder)) for folder in sorted(set(folders) - set(rows))]


def check_clip(paths: ClipPaths) -> ClipCheck:
    """Read and check all files of one clip."""
    if not any(path.is_file() for path in paths.frames):
        return ClipCheck((Issue(Problem.NO_FILES, str(paths.frames[0].parent)),))
    issues = [Issue(Problem.MISSING, str(path)) for path in paths.files() if not path.is_file()]
    sizes = [_check_frame(path, issues) if path.is_file() else None for path in paths.frames]
    masks = [_check_mask(path, size, issues) for path, size in zip(paths.masks, sizes) if path.is_file()]
    sound = _check_sound(paths.wav, issues) if paths.wav.is_file() else None
    return ClipCheck(tuple(issues), tuple(mask for mask in masks if mask), sound)


def _check_frame(path: Path, issues: list[Issue]) -> tuple[int, int] | None:
    """Return (H, W) of a frame, or None if it cannot be read."""
    try:
        height, width = read_picture(path).shape[:2]
    except ValueError as error:
        issues.append(Issue(Problem.PICTURE, _without_remedy(error)))
        return None
    if (height, width) != (FRAME_SIZE, FRAME_SIZE):
        issues.append(Issue(Problem.OTHER_SIZE, f"{path} is {width}x{height}"))
    return height, width


def _check_mask(path: Path, size: tuple[int, int] | None, issues: list[Issue]) -> tuple[str, bool] | None:
    """Return the format of a mask and whether it is empty, or None if it cannot be read."""
    try:
        image = open_picture(path)
    except ValueError as error:
        issues.append(Issue(Problem.PICTURE, _without_remedy(error)))
        return None
    if size is not None and (image.height, image.width) != size:
        issues.append(Issue(Problem.MASK_SIZE, f"{path} is {image.width}x{image.height}, not {size[1]}x{size[0]}"))
    pixels = np.asarray(image)
    values = np.unique(pixels).tolist() if pixels.ndim == 2 else []
    if image.mode == "P" and any((index == 0) != _is_black(image, index) for index in values):
        issues.append(Issue(Problem.PALETTE, str(path)))
    elif image.mode != "P" and len(values) > 2:
        issues.append(Issue(Problem.GREY, f"{path} has {len(values)} values from {values[0]} to {values[-1]}"))
    return f"of mode {image.mode}{_describe(values)}", not sounding(image).any()


def _is_black(image: Image.Image, index: int) -> bool:
    return not any(image.getpalette("RGB")[3 * index : 3 * index + 3])


def _describe(values: list[int | bool]) -> str:
    """Describe the values of a grey or palette mask; colour masks have an empty description."""
    if not values:
        return ""
    return " with " + (" and ".join(str(int(value)) for value in values) if len(values) <= 2 else "more values")


def _check_sound(path: Path, issues: list[Issue]) -> str | None:
    """Return the format of an audio file, or None if it cannot be read."""
    try:
        samples, rate = read_sound(path)
    except ValueError as error:
        issues.append(Issue(Problem.SOUND, _without_remedy(error)))
        return None
    if len(samples) < CLIP_FRAMES * rate:
        issues.append(Issue(Problem.SHORT, f"{path} has {len(samples) / rate:.2f} s"))
    if not samples.any():
        issues.append(Issue(Problem.SILENT, str(path)))
    channels = samples.shape[1]
    return f"of {rate} Hz, {channels} channel{'s' if channels > 1 else ''}"


def _without_remedy(error: ValueError) -> str:
    return str(error).rsplit("; ", 1)[0]
