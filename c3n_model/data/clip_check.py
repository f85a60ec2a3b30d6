"""What can be wrong with a clip of AVSBench or with the csv that lists it, and what to do about it. No clip is loaded
that `check_clip` calls in error, and every other one is."""

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
_AGAIN = "copy or make them again"


class Problem(Enum):
    """(severity, problem, remedy). An error keeps clips from being loaded; a warning is what AVSBench's authors do not
    have, or what deserves a look."""

    TABLE = ("error", "csv that cannot be used", "copy it from the release again")
    NO_FILES = ("error", "clips of which no frame lies there", f"{_AGAIN}, or take their rows out of the csv")
    MISSING = ("error", "missing files", f"{_AGAIN}, or take the rows of their clips out of the csv")
    PICTURE = ("error", "pictures that cannot be read", _AGAIN)
    SOUND = ("error", "sounds that cannot be used", _AGAIN)
    MASK_SIZE = ("error", "masks of another size than their frame", f"{_AGAIN}, the frame and the mask")
    TWICE = ("warning", "clips that the csv lists twice", "take one of the rows out")
    SPLIT = ("warning", "clips of a split other than train, val and test", "correct the split in the csv")
    PAPER = ("warning", "splits of another size than the paper's", "nothing, unless this should be all of AVSBench")
    UNLISTED = ("warning", "folders of frames that no row of the csv names", "add their rows, or leave them unused")
    OTHER_SIZE = ("warning", f"frames that are not {FRAME_SIZE}x{FRAME_SIZE}", "nothing: they are squashed when read")
    GREY = ("warning", "masks with greys, where all but 0 counts as sounding", "store them as 0 and 255")
    PALETTE = ("warning", "masks whose colours mislead: not index 0, and only that, is black", "look at them")
    SHORT = ("warning", f"sounds shorter than {CLIP_FRAMES} s", "nothing (silence follows), or make them again")
    SILENT = ("warning", "sounds of digital silence", "listen to their videos; c3n prepare makes sounds anew")


@dataclass(frozen=True)
class Found:
    """A problem and where it is."""

    problem: Problem
    where: str


@dataclass(frozen=True)
class ClipCheck:
    """One clip: what was found; how each mask is stored and whether it is empty; how the sound is stored."""

    found: tuple[Found, ...] = ()
    masks: tuple[tuple[str, bool], ...] = ()
    sound: str | None = None


def check_table(setting: str, clips: list[ClipPaths], folders: list[Path]) -> list[Found]:
    """What is wrong with a csv's rows, given the folders of frames that lie there."""
    rows = Counter(paths.frames[0].parent for paths in clips)
    counts = Counter(paths.split for paths in clips)
    expected = PAPER_COUNTS[setting]
    found = [Found(Problem.TWICE, str(folder)) for folder, count in rows.items() if count > 1]
    found += [Found(Problem.SPLIT, f"{paths.name}: {paths.split}") for paths in clips if paths.split not in expected]
    found += [
        Found(Problem.PAPER, f"{split} has {counts[split]} clips, the paper's {count}")
        for split, count in expected.items()
        if counts[split] != count
    ]
    return found + [Found(Problem.UNLISTED, str(folder)) for folder in sorted(set(folders) - set(rows))]


def check_clip(paths: ClipPaths) -> ClipCheck:
    """Read one clip's files."""
    if not any(path.is_file() for path in paths.frames):
        return ClipCheck((Found(Problem.NO_FILES, str(paths.frames[0].parent)),))
    found = [Found(Problem.MISSING, str(path)) for path in paths.files() if not path.is_file()]
    sizes = [_check_frame(path, found) if path.is_file() else None for path in paths.frames]
    masks = [_check_mask(path, size, found) for path, size in zip(paths.masks, sizes) if path.is_file()]
    sound = _check_sound(paths.wav, found) if paths.wav.is_file() else None
    return ClipCheck(tuple(found), tuple(mask for mask in masks if mask), sound)


def _check_frame(path: Path, found: list[Found]) -> tuple[int, int] | None:
    """(H, W) of a frame, None where it cannot be read."""
    try:
        height, width = read_picture(path).shape[:2]
    except ValueError as error:
        found.append(Found(Problem.PICTURE, _without_remedy(error)))
        return None
    if (height, width) != (FRAME_SIZE, FRAME_SIZE):
        found.append(Found(Problem.OTHER_SIZE, f"{path} is {width}x{height}"))
    return height, width


def _check_mask(path: Path, size: tuple[int, int] | None, found: list[Found]) -> tuple[str, bool] | None:
    """How a mask is stored, and whether it is empty; None where it cannot be read."""
    try:
        image = open_picture(path)
    except ValueError as error:
        found.append(Found(Problem.PICTURE, _without_remedy(error)))
        return None
    if size is not None and (image.height, image.width) != size:
        found.append(Found(Problem.MASK_SIZE, f"{path} is {image.width}x{image.height}, not {size[1]}x{size[0]}"))
    pixels = np.asarray(image)
    values = np.unique(pixels).tolist() if pixels.ndim == 2 else []
    if image.mode == "P" and any((index == 0) != _is_black(image, index) for index in values):
        found.append(Found(Problem.PALETTE, str(path)))
    elif image.mode != "P" and len(values) > 2:
        found.append(Found(Problem.GREY, f"{path} has {len(values)} values from {values[0]} to {values[-1]}"))
    return f"of mode {image.mode}{_spelled(values)}", not sounding(image).any()


def _is_black(image: Image.Image, index: int) -> bool:
    return not any(image.getpalette("RGB")[3 * index : 3 * index + 3])


def _spelled(values: list[int | bool]) -> str:
    """The values of a mask, in short; colours have none."""
    if not values:
        return ""
    return " with " + (" and ".join(str(int(value)) for value in values) if len(values) <= 2 else "more values")


def _check_sound(path: Path, found: list[Found]) -> str | None:
    """How a sound is stored, None where it cannot be read."""
    try:
        samples, rate = read_sound(path)
    except ValueError as error:
        found.append(Found(Problem.SOUND, _without_remedy(error)))
        return None
    if len(samples) < CLIP_FRAMES * rate:
        found.append(Found(Problem.SHORT, f"{path} has {len(samples) / rate:.2f} s"))
    if not samples.any():
        found.append(Found(Problem.SILENT, str(path)))
    channels = samples.shape[1]
    return f"of {rate} Hz, {channels} channel{'s' if channels > 1 else ''}"


def _without_remedy(error: ValueError) -> str:
    return str(error).rsplit("; ", 1)[0]
